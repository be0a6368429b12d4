package flink_studio;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.python.shaded.net.razorvine.pickle.IObjectPickler;
import org.apache.flink.api.python.shaded.net.razorvine.pickle.Pickler;
import org.apache.flink.types.Row;

/**
 * Takes a query's changes from Flink in a thread and hands them to Python in bulk, pickled: row by row through py4j would be 100 to 300 rows a second.
 * Compiled at the set-up by Janino, the compiler of Flink's planner: Java without lambdas and with few generics.
 */
public class RowCollector implements Runnable {
    private static final int MOST_WAITING = 50000;  // then Flink waits (back pressure)
    private static final DateTimeFormatter TIME =
        new DateTimeFormatterBuilder().appendPattern("yyyy-MM-dd HH:mm:ss").appendFraction(ChronoField.NANO_OF_SECOND, 3, 9, true).toFormatter();
    private static final DateTimeFormatter CLOCK =
        new DateTimeFormatterBuilder().appendPattern("HH:mm:ss").appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true).toFormatter();
    private static final Object NAN = new NotANumber();

    static {
        Pickler.registerCustomPickler(NotANumber.class, new NotANumberPickler());
    }


    private final LinkedBlockingQueue waiting = new LinkedBlockingQueue(MOST_WAITING);
    private Iterator changes;
    private ZoneId zone;
    private volatile boolean ended = false;
    private volatile Throwable failure = null;

    /** Begin to take changes; moments (TIMESTAMP_LTZ) are shown in a time zone. */
    public void start(Iterator source, String timeZone) {
        changes = source;
        zone = ZoneId.of(timeZone);
        Thread thread = new Thread(this, "flink-studio-collector");
        thread.setDaemon(true);
        thread.start();
    }

    public void run() {
        try {
            while (changes.hasNext()) {
                waiting.put(changes.next());
            }
        } catch (Throwable thrown) {
            failure = thrown;
        }
        ended = true;
    }

    /** Pickled (kinds, rows) of all waiting changes; null when none came within the given milliseconds. */
    public byte[] drain(long milliseconds) throws Exception {
        Object first = waiting.poll(ended ? 0L : milliseconds, TimeUnit.MILLISECONDS);
        if (first == null) {
            return null;
        }
        List taken = new ArrayList();
        taken.add(first);
        waiting.drainTo(taken);
        byte[] kinds = new byte[taken.size()];
        Object[] rows = new Object[taken.size()];
        for (int i = 0; i < kinds.length; i++) {
            Row row = (Row) taken.get(i);
            kinds[i] = row.getKind().toByteValue();
            Object[] values = new Object[row.getArity()];
            for (int j = 0; j < values.length; j++) {
                values[j] = plain(row.getField(j));
            }
            rows[i] = values;
        }
        return new Pickler(false).dumps(new Object[] {kinds, rows});
    }

    public boolean isFinished() {
        return ended && waiting.isEmpty();
    }

    public Throwable getFailure() {
        return failure;
    }

    /** Numbers, booleans and text as they are; all else as the text that a table shows. */
    private Object plain(Object value) {
        if (value instanceof Float) {
            return plain(Double.valueOf(value.toString()));  // 0.1 and not 0.10000000149011612
        }
        if (value instanceof Double && ((Double) value).isNaN()) {
            return NAN;
        }
        boolean same = value == null || value instanceof Number || value instanceof Boolean || value instanceof String;
        return same ? value : text(value);
    }

    private String text(Object value) {
        if (value == null) {
            return "NULL";
        }
        if (value instanceof LocalDateTime) {
            return TIME.format((LocalDateTime) value);
        }
        if (value instanceof Instant) {
            return TIME.format(LocalDateTime.ofInstant((Instant) value, zone));
        }
        if (value instanceof byte[]) {
            return hex((byte[]) value);
        }
        if (value instanceof LocalTime) {
            return CLOCK.format((LocalTime) value);
        }
        if (value instanceof Object[]) {
            return "[" + joined((Object[]) value) + "]";
        }
        if (value instanceof Row) {
            Row row = (Row) value;
            Object[] fields = new Object[row.getArity()];
            for (int i = 0; i < fields.length; i++) {
                fields[i] = row.getField(i);
            }
            return "(" + joined(fields) + ")";
        }
        if (value instanceof Map) {
            List pairs = new ArrayList();
            Iterator each = ((Map) value).entrySet().iterator();
            while (each.hasNext()) {
                Map.Entry entry = (Map.Entry) each.next();
                pairs.add(text(entry.getKey()) + "=" + text(entry.getValue()));
            }
            Collections.sort(pairs);
            return "{" + joined(pairs.toArray()) + "}";
        }
        return String.valueOf(value);
    }

    private String joined(Object[] values) {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < values.length; i++) {
            all.append(i == 0 ? "" : ", ").append(text(values[i]));
        }
        return all.toString();
    }

    /** Stands for NaN, which is pickled as Python's own math.nan: a row with it is equal to its retraction only when both hold the same object. */
    private static class NotANumber {
    }

    /** Writes pickle's opcode for a name in a module. */
    private static class NotANumberPickler implements IObjectPickler {
        public void pickle(Object value, OutputStream out, Pickler pickler) throws IOException {
            out.write("cmath\nnan\n".getBytes("US-ASCII"));
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder("x'");
        for (int i = 0; i < bytes.length; i++) {
            text.append(String.format("%02x", new Object[] {new Byte(bytes[i])}));
        }
        return text.append("'").toString();
    }
}

package flink_studio;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.python.shaded.net.razorvine.pickle.Pickler;
import org.apache.flink.types.Row;

/**
 * Takes a query's changes from Flink in a thread and hands them to Python in bulk, pickled: row by row through py4j would be 100 to 300 rows a second.
 * Compiled at the set-up by Janino, the compiler of Flink's planner: Java without lambdas and with few generics.
 */
public class RowCollector implements Runnable {
    private static final int MOST_WAITING = 50000;  // then Flink waits (back pressure)
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");

    private final LinkedBlockingQueue waiting = new LinkedBlockingQueue(MOST_WAITING);
    private Iterator changes;
    private volatile boolean ended = false;
    private volatile Throwable failure = null;

    public void start(Iterator source) {
        changes = source;
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
    private static Object plain(Object value) {
        if (value == null || value instanceof Number || value instanceof Boolean || value instanceof String) {
            return value;
        }
        if (value instanceof LocalDateTime) {
            return TIME.format((LocalDateTime) value);
        }
        if (value instanceof Instant) {
            return TIME.format(LocalDateTime.ofInstant((Instant) value, ZoneOffset.UTC));
        }
        if (value instanceof byte[]) {
            return hex((byte[]) value);
        }
        if (value instanceof Object[]) {
            return Arrays.deepToString((Object[]) value);
        }
        return String.valueOf(value);
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder("x'");
        for (int i = 0; i < bytes.length; i++) {
            text.append(String.format("%02x", new Object[] {new Byte(bytes[i])}));
        }
        return text.append("'").toString();
    }
}

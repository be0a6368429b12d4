package org.apache.flink.streaming.connectors.kinesis.serialization;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * Stands before the class of this name in flink-connector-kinesis 1.15.2 and counts the records that a format skips ('json.ignore-parse-errors' =
 * 'true'): Flink has no metric for them.
 */
public class KinesisDeserializationSchemaWrapper implements KinesisDeserializationSchema {
    private static final Map SKIPPED = new ConcurrentHashMap();  // job id -> AtomicLong

    private final DeserializationSchema schema;
    private transient AtomicLong skipped;

    public KinesisDeserializationSchemaWrapper(DeserializationSchema schema) {
        this.schema = schema;
    }

    /** How many records the sources of a job have skipped. */
    public static long skipped(String job) {
        AtomicLong count = (AtomicLong) SKIPPED.get(job);
        return count == null ? 0L : count.get();
    }

    public void open(DeserializationSchema.InitializationContext context) throws Exception {
        Object job = context.getMetricGroup().getAllVariables().get("<job_id>");
        SKIPPED.putIfAbsent(String.valueOf(job), new AtomicLong());
        skipped = (AtomicLong) SKIPPED.get(String.valueOf(job));
        schema.open(context);
    }

    public Object deserialize(byte[] record, String key, String sequence, long time, String stream, String shard) throws IOException {
        Object row = schema.deserialize(record);
        if (row == null) {
            skipped.incrementAndGet();
        }
        return row;
    }

    public TypeInformation getProducedType() {
        return schema.getProducedType();
    }
}

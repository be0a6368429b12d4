package org.apache.flink.connector.kinesis.sink;

import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.connector.base.sink.writer.ElementConverter;
import org.apache.flink.kinesis.shaded.software.amazon.awssdk.core.SdkBytes;
import org.apache.flink.kinesis.shaded.software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * Stands before the class of this name in flink-connector-kinesis 1.15.2, which was written for formats that need no open(): those of Flink 1.20 do,
 * so that INSERT INTO a Kinesis table with 'format' = 'json' ends in a NullPointerException without this.
 */
public class KinesisStreamsSinkElementConverter implements ElementConverter {
    private final SerializationSchema schema;
    private final PartitionKeyGenerator keys;

    KinesisStreamsSinkElementConverter(SerializationSchema schema, PartitionKeyGenerator keys) {
        this.schema = schema;
        this.keys = keys;
    }

    public void open(Sink.InitContext context) {
        try {
            schema.open(context.asSerializationSchemaInitializationContext());
        } catch (Exception error) {
            throw new FlinkRuntimeException("The format of the Kinesis sink could not be opened", error);
        }
    }

    public Object apply(Object element, SinkWriter.Context context) {
        PutRecordsRequestEntry.Builder entry = PutRecordsRequestEntry.builder();
        entry.data(SdkBytes.fromByteArray(schema.serialize(element)));
        entry.partitionKey((String) keys.apply(element));
        return entry.build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** What the sink's own builder calls. */
    public static class Builder {
        private SerializationSchema schema;
        private PartitionKeyGenerator keys;

        public Builder setSerializationSchema(SerializationSchema given) {
            schema = given;
            return this;
        }

        public Builder setPartitionKeyGenerator(PartitionKeyGenerator given) {
            keys = given;
            return this;
        }

        public KinesisStreamsSinkElementConverter build() {
            if (schema == null || keys == null) {
                throw new IllegalArgumentException("A Kinesis sink needs a serialization schema and a partition key generator.");
            }
            return new KinesisStreamsSinkElementConverter(schema, keys);
        }
    }
}

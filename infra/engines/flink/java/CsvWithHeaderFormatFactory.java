package org.apache.flink.formats.csv;

import java.io.IOException;
import java.lang.reflect.Field;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.connector.file.src.impl.StreamFormatAdapter;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.connector.file.table.format.BulkDecodingFormat;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.table.api.TableException;
import org.apache.flink.table.connector.Projection;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.plan.stats.TableStats;
import org.apache.flink.table.types.DataType;

/**
 * The format 'csv-with-header' of the filesystem connector: Flink's own csv without the first line of each file, as tables of Glue have it with
 * skip.header.line.count = 1. Flink 1.20 has no option for that.
 */
public class CsvWithHeaderFormatFactory extends CsvFileFormatFactory {
    public String factoryIdentifier() {
        return "csv-with-header";
    }

    public BulkDecodingFormat createDecodingFormat(DynamicTableFactory.Context context, ReadableConfig options) {
        return new Decoding(options);
    }

    /** Flink's own decoding, its file reader put behind one that skips the header. */
    public static class Decoding extends CsvBulkDecodingFormat {
        Decoding(ReadableConfig options) {
            super(options);
        }

        public BulkFormat createRuntimeDecoder(DynamicTableSource.Context context, DataType type, int[][] projections) {
            BulkFormat whole = super.createRuntimeDecoder(context, type, projections);
            try {
                Field inner = StreamFormatAdapter.class.getDeclaredField("streamFormat");
                inner.setAccessible(true);
                return new StreamFormatAdapter(new HeaderSkipping((SimpleStreamFormat) inner.get(whole)));
            } catch (ReflectiveOperationException error) {
                throw new TableException("This Flink's csv format is another than that of 1.20", error);
            }
        }

        public Object createRuntimeDecoder(DynamicTableSource.Context context, DataType type) {
            return createRuntimeDecoder(context, type, Projection.all(type).toNestedIndexes());
        }

        /** Flink would count lines by reading the files with its own reader. */
        public TableStats reportStatistics(java.util.List files, DataType type) {
            return TableStats.UNKNOWN;
        }
    }

    /** Reads a file from its second line on. */
    public static class HeaderSkipping extends SimpleStreamFormat {
        private final SimpleStreamFormat lines;

        HeaderSkipping(SimpleStreamFormat lines) {
            this.lines = lines;
        }

        public StreamFormat.Reader createReader(Configuration config, FSDataInputStream stream) throws IOException {
            int letter = stream.read();
            while (letter != -1 && letter != '\n') {
                letter = stream.read();
            }
            return lines.createReader(config, stream);
        }

        public TypeInformation getProducedType() {
            return lines.getProducedType();
        }
    }
}

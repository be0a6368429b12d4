"""GlueContext (guide: "GlueContext class")."""

import warnings

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession, SQLContext
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from awsglue import catalog, data_sink, data_source, not_there, records, storage
from awsglue.data_sink import DataSink
from awsglue.data_source import DataSource
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, DynamicFrameReader, DynamicFrameWriter

PAGE = "aws-glue-api-crawler-pyspark-extensions-glue-context"
INGESTION_TIME = ["day", "hour", "minute"]


class GlueContext(SQLContext):
    """The entry to AWS Glue in a Spark program.

    Args:
        sparkContext: the SparkContext.
    """

    def __init__(self, sparkContext: SparkContext, **options):
        self.spark_session = SparkSession.builder.getOrCreate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # SQLContext is deprecated, but Glue's context is one
            super().__init__(sparkContext, self.spark_session, self.spark_session._jsparkSession.sqlContext())
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.create_data_frame = _DataFrameReader(self)
        self.write_data_frame = _DataFrameWriter(self)

    def getSource(self, connection_type: str, transformation_ctx: str = "", push_down_predicate: str = "", **options):
        """A DataSource; `setFormat` and then `getFrame` read it."""
        if push_down_predicate:
            raise not_there("push_down_predicate for a source without a table", PAGE)
        return DataSource(self, connection_type, options, transformation_ctx)

    def getSink(self, connection_type: str, format=None, transformation_ctx: str = "", **options) -> DataSink:
        """A DataSink; `setFormat`, `setCatalogInfo` and then `writeFrame` write it."""
        sink = DataSink(self, connection_type, options, transformation_ctx)
        if format:
            sink.setFormat(format)
        return sink

    # reading

    def create_dynamic_frame_from_rdd(
        self, data, name, schema=None, sample_ratio=None, transformation_ctx="", sampleRatio=None
    ):
        """A frame of an RDD of dicts or rows; the schema is given or found in the data."""
        ratio = sample_ratio or sampleRatio  # the guide has both names
        if isinstance(schema, StructType) or ratio:
            return DynamicFrame(self.spark_session.createDataFrame(data, schema, ratio), self, name)
        if schema is not None:
            native = records.spark_schema(schema)
            return DynamicFrame(self.spark_session.createDataFrame(data, native), self, name)
        found = data.map(lambda record: record if isinstance(record, dict) else record.asDict(recursive=True))
        return DynamicFrame(lambda: records.to_frame(self.spark_session, found), self, name)

    def create_dynamic_frame_from_catalog(
        self,
        database=None,
        table_name=None,
        redshift_tmp_dir="",
        transformation_ctx="",
        push_down_predicate="",
        additional_options=None,
        catalog_id=None,
        name_space=None,
        **options,
    ) -> DynamicFrame:
        """A frame of a table in the Data Catalog, see data_source.from_catalog; `name_space` is the database, too."""
        database = database or name_space
        if not database or not table_name:
            raise ValueError("database and table_name are required")
        given = (additional_options or {}) | options
        return data_source.from_catalog(
            self, database, table_name, transformation_ctx, push_down_predicate, given, catalog_id
        )

    def create_dynamic_frame_from_options(
        self,
        connection_type,
        connection_options=None,
        format=None,
        format_options=None,
        transformation_ctx="",
        push_down_predicate="",
        **options,
    ) -> DynamicFrame:
        """A frame of files, see data_source.DataSource."""
        given = (connection_options or {}) | options
        source = self.getSource(connection_type, transformation_ctx, push_down_predicate, **given)
        source.setFormat(format or "", **(format_options or {}))
        return source.getFrame()

    def create_sample_dynamic_frame_from_catalog(
        self,
        database,
        table_name,
        num,
        redshift_tmp_dir="",
        transformation_ctx="",
        push_down_predicate="",
        additional_options=None,
        sample_options=None,
        catalog_id=None,
    ) -> DynamicFrame:
        """The first `num` records of a table, from the first files of its first partitions.

        Args:
            sample_options: `maxSamplePartitions` and `maxSampleFilesPerPartition`, 10 each by default.
        """
        options = (additional_options or {}) | data_source.SAMPLE_OPTIONS | (sample_options or {})
        frame = self.create_dynamic_frame_from_catalog(
            database, table_name, redshift_tmp_dir, transformation_ctx, push_down_predicate, options, catalog_id
        )
        return frame.first_records(num)

    def create_sample_dynamic_frame_from_options(
        self,
        connection_type,
        connection_options=None,
        num=None,
        sample_options=None,
        format=None,
        format_options=None,
        transformation_ctx="",
        push_down_predicate="",
    ) -> DynamicFrame:
        """The first `num` records of files, from the first files of the first folders; sample_options as for tables.

        Raises:
            ValueError: no `num`.
        """
        if num is None:
            raise ValueError("num is required")
        options = (connection_options or {}) | data_source.SAMPLE_OPTIONS | (sample_options or {})
        frame = self.create_dynamic_frame_from_options(
            connection_type, options, format, format_options, transformation_ctx, push_down_predicate
        )
        return frame.first_records(num)

    def create_data_frame_from_catalog(
        self, database, table_name, transformation_ctx="", additional_options=None, **options
    ) -> DataFrame:
        """A DataFrame of a table on S3. Streaming tables are not there."""
        frame = self.create_dynamic_frame_from_catalog(
            database,
            table_name,
            transformation_ctx=transformation_ctx,
            additional_options=additional_options,
            **options,
        )
        return frame.toDF()

    def create_data_frame_from_options(
        self,
        connection_type,
        connection_options=None,
        format=None,
        format_options=None,
        transformation_ctx="",
        **options,
    ) -> DataFrame:
        """A DataFrame of files on S3. Streams (kinesis, kafka) are not there."""
        return self.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx, **options
        ).toDF()

    def get_catalog_schema_as_spark_schema(self, database=None, table_name=None, catalog_id=None) -> StructType:
        """The Spark schema of a table in the Data Catalog, partition columns last."""
        table = catalog.fetch(database, table_name, catalog_id)
        return StructType([*table.columns, *table.partition_columns])

    # writing

    def write_dynamic_frame_from_options(
        self, frame, connection_type, connection_options=None, format=None, format_options=None, transformation_ctx=""
    ):
        """Write a frame as files and return it, see data_sink.DataSink."""
        return self.write_from_options(
            frame, connection_type, connection_options, format, format_options, transformation_ctx
        )

    def write_from_options(
        self,
        frame_or_dfc: DynamicFrame | DynamicFrameCollection,
        connection_type,
        connection_options=None,
        format=None,
        format_options=None,
        transformation_ctx="",
    ):
        """Write a frame, or each frame of a collection into a folder of its name, and return it."""
        sink = self.getSink(connection_type, None, transformation_ctx, **(connection_options or {}))
        sink.setFormat(format or "", **(format_options or {}))
        return sink.write(frame_or_dfc)

    def write_dynamic_frame_from_catalog(
        self,
        frame,
        database=None,
        table_name=None,
        redshift_tmp_dir="",
        transformation_ctx="",
        additional_options=None,
        catalog_id=None,
        name_space=None,
    ):
        """Write a frame in the format and to the place of a table in the Data Catalog, and return it.

        With `{"enableUpdateCatalog": True, "partitionKeys": […]}` new columns and partitions reach the table.
        `name_space` is the database, too.
        """
        database = database or name_space
        if not database or not table_name:
            raise ValueError("database and table_name are required")
        account = catalog.in_catalog(catalog_id)
        table = catalog.client().get_table(DatabaseName=database, Name=table_name, **account)["Table"]
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        options = (
            {"partitionKeys": keys} | (additional_options or {}) | {"path": table["StorageDescriptor"]["Location"]}
        )
        kind = catalog.table_format(table)
        sink = self.getSink("s3", None, transformation_ctx, **options)
        if kind == "csv":
            serde = table["StorageDescriptor"]["SerdeInfo"].get("Parameters", {})
            header = table.get("Parameters", {}).get("skip.header.line.count") == "1"
            separator = serde.get("field.delim") or serde.get("separatorChar", ",")
            sink.setFormat(kind, separator=separator, writeHeader=header)
        else:
            sink.setFormat(kind)
        sink.setCatalogInfo(database, table_name, catalog_id or "")
        return sink.write(frame)

    def write_data_frame_from_catalog(self, frame: DataFrame, database, table_name, *arguments, **options) -> DataFrame:
        """Write a DataFrame as write_dynamic_frame_from_catalog does, and return it. `useSparkDataSink` is not there."""
        self.write_dynamic_frame_from_catalog(
            DynamicFrame(frame, self, "frame"), database, table_name, *arguments, **options
        )
        return frame

    def write_data_frame_from_options(self, frame: DataFrame, connection_type, *arguments, **options) -> DataFrame:
        """Write a DataFrame as write_dynamic_frame_from_options does, and return it."""
        self.write_dynamic_frame_from_options(
            DynamicFrame(frame, self, "frame"), connection_type, *arguments, **options
        )
        return frame

    def write_dynamic_frame_from_jdbc_conf(self, *arguments, **options):
        raise not_there("Writing to JDBC", PAGE)

    write_from_jdbc_conf = write_dynamic_frame_from_jdbc_conf

    def extract_jdbc_conf(self, *arguments, **options):
        raise not_there("extract_jdbc_conf", PAGE)

    # files

    def purge_s3_path(self, s3_path: str, options: dict | None = None, transformation_ctx: str = "") -> None:
        """Delete the files below a path that are older than `retentionPeriod` hours (default 168)."""
        data_sink.purge(storage.files(s3_path), options or {})

    def purge_table(
        self, database, table_name, options: dict | None = None, transformation_ctx="", catalog_id=None
    ) -> None:
        """Delete the old files of a table, and the partitions that have none left.

        `partitionPredicate` limits it to some partitions.
        """
        options = options or {}
        table = catalog.fetch(database, table_name, catalog_id)
        predicate = options.get("partitionPredicate", "")
        for location in data_source.locations(self.spark_session, table, [predicate] if predicate else []):
            data_sink.purge(storage.files(location), options)
        account = catalog.in_catalog(catalog_id)
        empty = [values for values, location in table.partitions if not storage.files(location)]
        for start in range(0, len(empty), 25):  # the API's limit
            catalog.client().batch_delete_partition(
                DatabaseName=database,
                TableName=table_name,
                PartitionsToDelete=[{"Values": values} for values in empty[start : start + 25]],
                **account,
            )

    def transition_s3_path(self, *arguments, **options):
        raise not_there("Changing the storage class of objects", PAGE)

    transition_table = transition_s3_path

    # streams and transactions

    def forEachBatch(self, frame, batch_function, options=None):
        raise not_there("Streaming", PAGE)

    def add_ingestion_time_columns(self, dataFrame: DataFrame, timeGranularity: str = "") -> DataFrame:
        """The frame with `ingest_year`, `ingest_month`, `ingest_day` and, by granularity, `ingest_hour`, `ingest_minute`.

        Raises:
            ValueError: the granularity is not day, hour or minute.
        """
        if timeGranularity not in INGESTION_TIME:
            raise ValueError(f"Invalid time granularity {timeGranularity}; it is one of {', '.join(INGESTION_TIME)}")
        parts = ["year", "month", "day", "hour", "minute"][: 3 + INGESTION_TIME.index(timeGranularity)]
        take = {"year": F.year, "month": F.month, "day": F.dayofmonth, "hour": F.hour, "minute": F.minute}
        now = F.current_timestamp()
        return dataFrame.withColumns({f"ingest_{part}": take[part](now) for part in parts})

    def start_transaction(self, *arguments, **options):
        raise not_there("Transactions of governed tables", PAGE)

    commit_transaction = cancel_transaction = begin_transaction = start_transaction

    def get_logger(self):
        """A logger of the driver: `info`, `warn`, `error`."""
        return self.spark_session._jvm.org.apache.log4j.LogManager.getLogger("GlueLogger")


class _DataFrameReader:
    """`glueContext.create_data_frame`."""

    def __init__(self, glue_context: GlueContext):
        self.from_catalog = glue_context.create_data_frame_from_catalog
        self.from_options = glue_context.create_data_frame_from_options


class _DataFrameWriter:
    """`glueContext.write_data_frame`."""

    def __init__(self, glue_context: GlueContext):
        self.from_catalog = glue_context.write_data_frame_from_catalog
        self.from_options = glue_context.write_data_frame_from_options

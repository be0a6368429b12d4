"""The batch layer, a Glue job: events of the lake by bucket of ten seconds, up to a moment that is fixed before anything is read.

The result of a run lies in a folder of its own, `version=<until>`; a run that is repeated writes the same folder again. Only when all of it is there,
the table's item `watermark` says that it is: whoever serves looks there first. `found` is how many events there were in all, for comparison.
"""

import sys

import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "table", "since", "until"])
spark = GlueContext(SparkContext.getOrCreate()).spark_session
job = Job(GlueContext(SparkContext.getOrCreate()))
job.init(args["JOB_NAME"], args)

event = "uuid STRING, device_ts STRING, device_id INT, device_temp INT, track_id INT, activity_type STRING"
raw = spark.read.schema(event).json(f"s3://{args['bucket']}/data/raw/*/*/*/*/")
found = raw.where(f.col("device_ts") >= args["since"])
wanted = found.where(f.col("device_ts") < args["until"])
bucket = f.concat(f.substring("device_ts", 1, 18), f.lit("0")).alias("bucket")
version = args["until"].replace(" ", "T").replace(":", "-")
folder = f"s3://{args['bucket']}/data/batch-view/version={version}/"
wanted.groupBy(bucket, "activity_type").agg(f.count("*").alias("events")).coalesce(1).write.mode("overwrite").parquet(
    folder
)

boto3.resource("dynamodb").Table(args["table"]).put_item(
    Item={"bucket": "watermark", "activity_type": "-", "until": args["until"], "folder": folder, "found": found.count()}
)
job.commit()

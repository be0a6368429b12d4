"""A GlueContext in the test's own process, on the server under test: one JVM a test module."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from infra.engines.spark.gateway import Gateway
from infra.engines.spark.options import PYTHON_FOLDER, Settings, environment, java_command, spark_conf


@contextmanager
def glue_context(endpoint: str, account: str, folder: Path) -> Iterator:
    """A GlueContext whose S3 and Glue calls go to `endpoint` as `account`; all is put back at the end."""
    settings = Settings(endpoint, "us-east-1", account, "test", cores=2)
    before = dict(os.environ)
    os.environ.update(environment(settings, folder))
    boto3.DEFAULT_SESSION = None  # it would keep the credentials of the module before
    sys.path.insert(0, str(PYTHON_FOLDER))
    jvm = Gateway(java_command(spark_conf(settings, folder)))
    jvm.connect()
    from awsglue import storage
    from awsglue.context import GlueContext
    from pyspark import SparkContext

    context = SparkContext.getOrCreate()
    context.setLogLevel("ERROR")
    try:
        yield GlueContext(context)
    finally:
        context.stop()
        SparkContext._gateway.shutdown()
        SparkContext._gateway = SparkContext._jvm = None
        jvm.close()
        storage.s3.cache_clear()
        sys.path.remove(str(PYTHON_FOLDER))
        os.environ.clear()
        os.environ.update(before)
        boto3.DEFAULT_SESSION = None

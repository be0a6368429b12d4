"""What a Firehose destination may hold: AWS's defaults and rules, and what the local AWS refuses instead of ignoring it.

Sources: botocore's model 2015-08-04 (limits), https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html, buffering-hints.html.
"""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.firehose.exceptions import InvalidArgumentException, ValidationException
from moto.firehose.models import DeliveryStream

from infra.local.core import validation as constraints
from infra.local.firehose.keys import EXTENSIONS, PrefixError, check_prefixes

DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
DESTINATION_ID = "destinationId-000000000001"
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}
PREFIX_RULE = "Ths supplied prefix(es) do not satisfy the following constraint: {}"  # AWS's own spelling

# What CreateDeliveryStream and UpdateDestination have on AWS, and the local AWS has not.
REFUSED = {
    "DirectPutSourceConfiguration": "throughput hints",
    "MSKSourceConfiguration": "Amazon MSK as a source",
    "DatabaseSourceConfiguration": "databases as a source",
    **{
        f"{name}Destination{kind}": f"the destination {title}"
        for name, title in {
            "Redshift": "Amazon Redshift",
            "Elasticsearch": "Amazon Elasticsearch Service",
            "Amazonopensearchservice": "Amazon OpenSearch Service",
            "AmazonOpenSearchServerless": "Amazon OpenSearch Serverless",
            "Splunk": "Splunk",
            "HttpEndpoint": "HTTP endpoint",
            "Snowflake": "Snowflake",
            "Iceberg": "Apache Iceberg",
        }.items()
        for kind in ("Configuration", "Update")
    },
}
S3_FIELDS = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)


def refuse(what: str, name: str) -> InvalidArgumentException:
    """Return the error for something that AWS has and the local AWS has not; `name` is its parameter."""
    return InvalidArgumentException(f"{name}: {what} is not supported by the local AWS.")


def check_destination(settings: dict[str, Any]) -> None:
    """Check a complete ExtendedS3DestinationDescription. Raises InvalidArgumentException as AWS does, or for what is not there."""
    hints = settings["BufferingHints"]
    if set(hints) != set(DEFAULT_HINTS):
        raise InvalidArgumentException("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.")
    try:
        check_prefixes(settings.get("Prefix", ""), settings.get("ErrorOutputPrefix", ""))
    except PrefixError as error:
        raise InvalidArgumentException(PREFIX_RULE.format(error)) from None
    zone = settings.get("CustomTimeZone")
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidArgumentException(f"CustomTimeZone {zone} is not a valid time zone.") from None
    if settings["CompressionFormat"] not in EXTENSIONS:
        raise refuse(f"the format {settings['CompressionFormat']}", "CompressionFormat")
    logging_options = settings["CloudWatchLoggingOptions"]
    if logging_options.get("Enabled") and not (
        logging_options.get("LogGroupName") and logging_options.get("LogStreamName")
    ):
        raise InvalidArgumentException(
            "CloudWatchLoggingOptions: LogGroupName and LogStreamName are required when logging is enabled."
        )
    if "KMSEncryptionConfig" in settings["EncryptionConfiguration"]:
        raise refuse("encryption with a KMS key", "EncryptionConfiguration.KMSEncryptionConfig")
    if settings["S3BackupMode"] == "Enabled":
        raise refuse("backup of source records", "S3BackupMode")
    if settings.get("DataFormatConversionConfiguration", {"Enabled": False}).get("Enabled", True):
        raise refuse("record format conversion", "DataFormatConversionConfiguration")
    if settings.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
        raise refuse("dynamic partitioning", "DynamicPartitioningConfiguration")
    delimiter_of(settings)


def delimiter_of(settings: dict[str, Any]) -> bytes:
    """Return what is appended to each record. Raises InvalidArgumentException for processors that are not there."""
    processing = settings.get("ProcessingConfiguration", {})
    delimiter = b""
    if not processing.get("Enabled"):
        return delimiter
    for processor in processing.get("Processors", ()):
        if processor["Type"] != "AppendDelimiterToRecord":
            raise refuse(f"the processor {processor['Type']}", "ProcessingConfiguration")
        text = "\n"
        for parameter in processor.get("Parameters", ()):
            if parameter["ParameterName"] != "Delimiter":
                raise InvalidArgumentException(
                    f"Processor AppendDelimiterToRecord does not support the parameter {parameter['ParameterName']}."
                )
            text = parameter["ParameterValue"]
        delimiter += re.sub(r"\\[nrt]", lambda match: ESCAPES[match[0]], text).encode()
    return delimiter


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination's configuration with AWS's defaults filled in, as DescribeDeliveryStream shows it."""
    whole = {
        "BufferingHints": dict(DEFAULT_HINTS),
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "S3BackupMode": "Disabled",
        **{name: value for name, value in settings.items() if name not in ("S3BackupConfiguration", "S3BackupUpdate")},
    }
    return {**whole, "BufferingHints": whole["BufferingHints"] or dict(DEFAULT_HINTS)}


def described(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination as moto keeps it: AWS describes every S3 destination in both forms."""
    plain = {name: settings[name] for name in S3_FIELDS if name in settings}
    return {"destination_id": DESTINATION_ID, "S3": plain, "ExtendedS3": settings}


def settings_of(stream: DeliveryStream) -> dict[str, Any]:
    return stream.destinations[0]["ExtendedS3"]


def check_refused(parameters: dict[str, Any]) -> None:
    """Raise InvalidArgumentException for a source or destination that is not there; `parameters` are a request's."""
    for name, what in REFUSED.items():
        if parameters.get(name):
            raise refuse(what, name)


def validation_error(errors: list[str]) -> ValidationException:
    return ValidationException(constraints.message(errors))

"""What a Firehose destination may hold: AWS's defaults and rules, and what the local AWS refuses instead of ignoring it.

Sources: botocore's model 2015-08-04 (limits), https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html, buffering-hints.html.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.firehose.exceptions import InvalidArgumentException, ValidationException
from moto.firehose.models import DeliveryStream

from infra.local.core import validation as constraints
from infra.local.firehose.conversion import DEFAULT_MIB, check_conversion, configured
from infra.local.firehose.keys import PartitionError, PrefixError, check_prefixes
from infra.local.firehose.processors import PARTITIONED_MIB, check_processing, steps_of

DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
DESTINATION_ID = "destinationId-000000000001"
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
    check_plain(settings, bool(settings.get("DynamicPartitioningConfiguration", {}).get("Enabled")))
    zone = settings.get("CustomTimeZone")
    if zone:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidArgumentException(f"CustomTimeZone {zone} is not a valid time zone.") from None
    backup = settings.get("S3BackupDescription")
    if settings["S3BackupMode"] == "Enabled" and backup is None:
        raise InvalidArgumentException("S3BackupConfiguration is required when S3BackupMode is Enabled.")
    if backup is not None:
        for name in ("RoleARN", "BucketARN"):
            if name not in backup:
                raise InvalidArgumentException(f"S3BackupConfiguration must have {name}.")
        check_plain(backup)
    check_conversion(settings)
    check_processing(settings, refuse)


def check_plain(settings: dict[str, Any], partitioned: bool = False) -> None:
    """Check what every destination in S3 has, that of a backup too. Raises InvalidArgumentException."""
    hints = settings["BufferingHints"]
    if set(hints) != set(DEFAULT_HINTS):
        raise InvalidArgumentException("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.")
    try:
        check_prefixes(settings.get("Prefix", ""), settings.get("ErrorOutputPrefix", ""), partitioned)
    except PartitionError as error:
        raise InvalidArgumentException(str(error)) from None
    except PrefixError as error:
        raise InvalidArgumentException(PREFIX_RULE.format(error)) from None
    logging_options = settings["CloudWatchLoggingOptions"]
    for name, told in (("LogGroupName", "Log Group"), ("LogStreamName", "Log Stream")):
        if logging_options.get("Enabled") and not logging_options.get(name):
            raise InvalidArgumentException(f"CloudWatch {told} Name is required if CloudWatch Logging is enabled")
    if "KMSEncryptionConfig" in settings["EncryptionConfiguration"]:
        raise refuse("encryption with a KMS key", "EncryptionConfiguration.KMSEncryptionConfig")


def check_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check an update: dynamic partitioning is chosen when a stream is made, and a backup stays. Raises InvalidArgumentException.

    Sources: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-enable.html,
    https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationUpdate.html
    """
    if (before["S3BackupMode"], after["S3BackupMode"]) == ("Enabled", "Disabled"):
        raise InvalidArgumentException("S3BackupMode: backup cannot be disabled once it is enabled.")
    was, will = (bool(each.get("DynamicPartitioningConfiguration", {}).get("Enabled")) for each in (before, after))
    if was != will:
        verb = "enabled" if will else "disabled"
        raise InvalidArgumentException(f"Dynamic Partitioning cannot be {verb} for an existing Firehose stream.")


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination's configuration with AWS's defaults filled in, as DescribeDeliveryStream shows it."""
    whole = {
        **_with_defaults(settings),
        "S3BackupMode": settings.get("S3BackupMode", "Disabled"),
    }
    given = whole.pop("S3BackupConfiguration", None) or whole.pop("S3BackupUpdate", None)
    if given:
        whole["S3BackupDescription"] = _with_defaults({**whole.get("S3BackupDescription", {}), **given})
    if not settings.get("BufferingHints"):
        if configured(whole):
            whole["BufferingHints"]["SizeInMBs"] = DEFAULT_MIB
        elif whole.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
            whole["BufferingHints"]["SizeInMBs"] = PARTITIONED_MIB
    return whole


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        **settings,
        "BufferingHints": settings.get("BufferingHints") or dict(DEFAULT_HINTS),
    }


def backup_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Return where records go as they came: the S3BackupDescription of a destination whose backup is enabled."""
    backup: dict[str, Any] = settings["S3BackupDescription"]
    return backup


def described(settings: dict[str, Any]) -> dict[str, Any]:
    """Return a destination as moto keeps it: AWS describes every S3 destination in both forms."""
    plain = {name: settings[name] for name in S3_FIELDS if name in settings}
    return {"destination_id": DESTINATION_ID, "S3": plain, "ExtendedS3": settings}


def roles_of(settings: dict[str, Any]) -> list[str]:
    """Return the roles that a destination names: its own, its function's, its table's, its backup's."""
    transform, conversion = steps_of(settings).transform, configured(settings)
    named = [settings["RoleARN"], transform.role if transform else ""]
    named.append(conversion["SchemaConfiguration"]["RoleARN"] if conversion else "")
    named.append(settings.get("S3BackupDescription", {}).get("RoleARN", ""))
    return [role for role in dict.fromkeys(named) if role]


def settings_of(stream: DeliveryStream) -> dict[str, Any]:
    return stream.destinations[0]["ExtendedS3"]


def check_refused(parameters: dict[str, Any]) -> None:
    """Raise InvalidArgumentException for a source or destination that is not there; `parameters` are a request's."""
    for name, what in REFUSED.items():
        if parameters.get(name):
            raise refuse(what, name)


def validation_error(errors: list[str]) -> ValidationException:
    return ValidationException(constraints.message(errors))

"""What a destination does with records before they are delivered: its processors and dynamic partitioning, and AWS's rules for them.

Sources: https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html and API_ProcessorParameter.html,
https://docs.aws.amazon.com/firehose/latest/dev/ (data-transformation, dynamic-partitioning, dynamic-partitioning-partitioning-keys,
dynamic-partitioning-multirecord-deaggergation). The messages were observed on AWS by aws-cdk and others.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.firehose.exceptions import InvalidArgumentException

from infra.engines import jq
from infra.local.firehose.keys import FROM_LAMBDA, FROM_QUERY, partition_keys

MIB = 1024 * 1024
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}
MOST_PROCESSORS = 5
LAMBDA_MIB, LAMBDA_SECONDS, LAMBDA_RETRIES = 1.0, 60, 3  # AWS's defaults
PARTITIONED_MIB, PARTITIONED_SECONDS = 64, 60  # the least hints with dynamic partitioning
INTAKE_SECONDS = 1.0  # what arrives in this time is processed together, where no function is asked
ONLY_PARTITIONED = (
    "class com.amazonaws.services.firehose.internal.model.{}Processor can only be present when Dynamic Partitioning is "
    "enabled."
)
PARAMETERS = {
    "AppendDelimiterToRecord": {"Delimiter"},
    "Lambda": {"LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds"},
    "MetadataExtraction": {"MetadataExtractionQuery", "JsonParsingEngine"},
    "RecordDeAggregation": {"SubRecordType", "Delimiter"},
}
LAMBDA_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?")


@dataclass(frozen=True)
class Transform:
    """The function that transforms records: its ARN, the role that may invoke it ("" for the destination's), and how."""

    function: str
    role: str = ""
    retries: int = LAMBDA_RETRIES
    size: int = int(LAMBDA_MIB * MIB)  # bytes of records for one invocation
    seconds: float | None = None  # that records wait for it; None: not said


@dataclass(frozen=True)
class Steps:
    """What happens to records, in this order.

    Parameters
    ----------
    transform: by which function
    split: whether records are taken apart into JSON documents (b"") or by a delimiter; None for not
    partitioned: whether objects are made by keys; query: the jq program that finds keys in a record
    delimiter: what is appended to each record
    converted: whether objects are of another format
    backed_up: whether records are delivered as they came, too
    """

    transform: Transform | None = None
    split: bytes | None = None
    partitioned: bool = False
    query: str = ""
    delimiter: bytes = b""
    converted: bool = False
    backed_up: bool = False

    @property
    def staged(self) -> bool:
        """Whether records are worked on one by one before they are put together into objects."""
        return bool(self.transform or self.partitioned or self.converted or self.backed_up)


def steps_of(settings: dict[str, Any]) -> Steps:
    """Return what a destination's configuration, which was checked, asks for."""
    transform, split, query, delimiter = None, None, "", b""
    for processor in _enabled(settings):
        given = _parameters(processor)
        if processor["Type"] == "Lambda":
            transform = _transform(given)
        elif processor["Type"] == "RecordDeAggregation":
            split = base64.b64decode(given["Delimiter"]) if given["SubRecordType"] == "DELIMITED" else b""
        elif processor["Type"] == "MetadataExtraction":
            query = given["MetadataExtractionQuery"]
        elif processor["Type"] == "AppendDelimiterToRecord":
            text = given.get("Delimiter", "\n")
            delimiter += re.sub(r"\\[nrt]", lambda match: ESCAPES[match[0]], text).encode()
    partitioned = bool(settings.get("DynamicPartitioningConfiguration", {}).get("Enabled"))
    conversion = settings.get("DataFormatConversionConfiguration")
    converted = conversion is not None and conversion.get("Enabled", True)
    backed_up = settings.get("S3BackupMode") == "Enabled"
    return Steps(transform, split, partitioned, query, b"" if converted else delimiter, converted, backed_up)


def _enabled(settings: dict[str, Any]) -> list[dict[str, Any]]:
    processing = settings.get("ProcessingConfiguration", {})
    return list(processing.get("Processors", ())) if processing.get("Enabled") else []


def _parameters(processor: dict[str, Any]) -> dict[str, str]:
    return {each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters", ())}


def _transform(given: dict[str, str]) -> Transform:
    seconds = given.get("BufferIntervalInSeconds")
    return Transform(
        given["LambdaArn"],
        given.get("RoleArn", ""),
        int(given.get("NumberOfRetries", LAMBDA_RETRIES)),
        int(float(given.get("BufferSizeInMBs", LAMBDA_MIB)) * MIB),
        float(seconds) if seconds is not None else None,
    )


# --- AWS's rules ----------------------------------------------------------------------------------------------------


def check_processing(settings: dict[str, Any], refuse: Any) -> None:
    """Check processors and dynamic partitioning of a whole configuration. Raises InvalidArgumentException.

    Parameters
    ----------
    refuse: (what, parameter) → the error for what AWS has and the local AWS has not
    """
    processing = settings.get("ProcessingConfiguration", {})
    partitioned = bool(settings.get("DynamicPartitioningConfiguration", {}).get("Enabled"))
    processors = _enabled(settings)
    if processing.get("Enabled") and not 1 <= len(processors) <= MOST_PROCESSORS:
        raise InvalidArgumentException(
            f"A maximum of {MOST_PROCESSORS} and a minimum of 1 processor needs to be supplied when processing is enabled."
        )
    kinds = Counter(processor["Type"] for processor in processors)
    if kinds["Lambda"] > 1:
        raise InvalidArgumentException("Cannot have more than 1 Lambda processor.")
    if kinds["CloudWatchLogProcessing"] and not kinds["Decompression"]:
        raise InvalidArgumentException(
            "CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor"
        )
    for processor in processors:
        kind = processor["Type"]
        if kind not in PARAMETERS:
            raise refuse(f"the processor {kind}", "ProcessingConfiguration")
        if kind in ("MetadataExtraction", "RecordDeAggregation") and not partitioned:
            raise InvalidArgumentException(ONLY_PARTITIONED.format(kind))
        given = _parameters(processor)
        for name in given:
            if name not in PARAMETERS[kind]:
                raise InvalidArgumentException(f"Processor {kind} does not support the parameter {name}.")
        CHECKS[kind](given)
    if partitioned:
        _check_partitions(settings, processors)


def _check_lambda(given: dict[str, str]) -> None:
    if not given.get("LambdaArn"):
        raise InvalidArgumentException("LambdaArn is required when Lambda processor is used.")
    if not LAMBDA_ARN.fullmatch(given["LambdaArn"]):
        raise InvalidArgumentException(f"LambdaArn {given['LambdaArn']} is not a valid ARN of a Lambda function.")
    if not 0 <= _number(given, "NumberOfRetries", LAMBDA_RETRIES) <= 300:
        raise InvalidArgumentException("Number of retries for lambda must be between 0 and 300.")
    if ("BufferSizeInMBs" in given) != ("BufferIntervalInSeconds" in given):
        raise InvalidArgumentException(
            "Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda processor."
        )
    if not 0.2 <= _number(given, "BufferSizeInMBs", LAMBDA_MIB) <= 3:
        raise InvalidArgumentException("BufferSizeInMBs for lambda processor must be between 0.2 and 3.")
    if not 0 <= _number(given, "BufferIntervalInSeconds", LAMBDA_SECONDS) <= 900:
        raise InvalidArgumentException("BufferIntervalInSeconds for lambda processor must be between 0 and 900.")


def _number(given: dict[str, str], name: str, default: float) -> float:
    """Return a parameter that is a number; NumberOfRetries and the interval are whole ones."""
    text = given.get(name, str(default))
    form = r"\d{1,9}(\.\d{1,9})?" if name == "BufferSizeInMBs" else r"-?\d{1,9}"
    if not re.fullmatch(form, text.strip()):
        raise InvalidArgumentException(f"{name} of a Lambda processor must be a number, not {text}.")
    return float(text)


def _check_deaggregation(given: dict[str, str]) -> None:
    kind = given.get("SubRecordType")
    if kind not in ("JSON", "DELIMITED"):
        raise InvalidArgumentException("SubRecordType has to be one of JSON, DELIMITED")
    if kind == "DELIMITED" and not given.get("Delimiter"):
        raise InvalidArgumentException("Delimiter should be present for DELIMITED")
    try:
        base64.b64decode(given.get("Delimiter", ""), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgumentException("Delimiter should be base64 encoded for DELIMITED") from None


def _check_extraction(given: dict[str, str]) -> None:
    if given.get("JsonParsingEngine") != "JQ-1.6":
        raise InvalidArgumentException("MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6")
    query = given.get("MetadataExtractionQuery")
    if not query:
        raise InvalidArgumentException("MetadataExtractionQuery should be present for MetadataExtraction processor")
    problem = jq.problem(query)
    if problem:
        raise InvalidArgumentException(f"MetaDataExtraction JQ Query is not valid: {problem}")


def _check_nothing(given: dict[str, str]) -> None:
    pass


CHECKS = {
    "AppendDelimiterToRecord": _check_nothing,
    "Lambda": _check_lambda,
    "MetadataExtraction": _check_extraction,
    "RecordDeAggregation": _check_deaggregation,
}


def _check_partitions(settings: dict[str, Any], processors: list[dict[str, Any]]) -> None:
    hints = settings["BufferingHints"]
    if hints["SizeInMBs"] < PARTITIONED_MIB:
        raise InvalidArgumentException(
            f"BufferingHints.SizeInMBs must be at least {PARTITIONED_MIB} when Dynamic Partitioning is enabled."
        )
    if hints["IntervalInSeconds"] < PARTITIONED_SECONDS:
        raise InvalidArgumentException(
            f"BufferingHints.IntervalInSeconds must be at least {PARTITIONED_SECONDS} seconds when Dynamic Partitioning is "
            "enabled."
        )
    used = partition_keys(settings.get("Prefix", ""))
    if not used:
        raise InvalidArgumentException(
            "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled"
        )
    queries = [
        _parameters(each)["MetadataExtractionQuery"] for each in processors if each["Type"] == "MetadataExtraction"
    ]
    asked = {name for kind, name in used if kind == FROM_QUERY}
    for query in queries:
        found = set(query_keys(query))
        if found - asked:
            raise InvalidArgumentException(
                "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression"
            )
        asked -= found
    if asked:
        raise InvalidArgumentException(
            "S3 Prefix expression can't contain partitionKeyFromQuery keys that are not present in the MetaDataExtraction JQ Query"
        )
    has_function = any(each["Type"] == "Lambda" for each in processors)
    if any(kind == FROM_LAMBDA for kind, _ in used) and not has_function:
        raise InvalidArgumentException(
            "S3 Prefix expression can't contain partitionKeyFromLambda keys when there is no Lambda processor"
        )


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|[A-Za-z_][\w:]*|[\[\](){},:]|\s+|.', re.DOTALL)


def query_keys(query: str) -> Iterator[str]:
    """Yield the keys of the object that a jq query makes: `{customer: .id, "year": .ts|strftime("%Y"), device}`."""
    depth, before = 0, ""
    tokens = [token for token in _TOKEN.findall(query) if not token.isspace() and not token.startswith("#")]
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        if depth == 1 and before in ("{", ",") and token not in "}":
            yield token[1:-1] if token.startswith('"') else token.rstrip(":")
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        before = token if depth == 1 and token in "{," else "" if after else token

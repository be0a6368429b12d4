"""What DataBrew asks of a request beyond the limits of its model.

Sources: https://docs.aws.amazon.com/databrew/latest/dg/API_CreateDataset.html, API_CreateRecipeJob.html, API_CreateProfileJob.html
and https://docs.aws.amazon.com/databrew/latest/dg/supported-data-file-sources.html.
"""

from __future__ import annotations

import re
from typing import Any

from .errors import BrewError, invalid, over_quota

NAME = re.compile(r"[A-Za-z0-9.\- _]+")
MOST_STEPS = 100
MOST_NODES = 149
DELIMITERS = ",:;|\t^\\ "
SOURCES = {
    "S3InputDefinition": "S3",
    "DataCatalogInputDefinition": "DATA-CATALOG",
    "DatabaseInputDefinition": "DATABASE",
}
OPTIONS_OF = {"Csv": "CSV", "Json": "JSON", "Excel": "EXCEL"}
FORMATS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".json": "JSON",
    ".jsonl": "JSON",
    ".parquet": "PARQUET",
    ".xlsx": "EXCEL",
    ".xls": "EXCEL",
    ".orc": "ORC",
}
COMPRESSIONS = {
    "CSV": ("GZIP", "BZIP2", "BROTLI", "DEFLATE", "ZSTD"),
    "JSON": ("GZIP", "BZIP2", "BROTLI", "DEFLATE", "ZSTD"),
    "PARQUET": ("SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI"),
    "GLUEPARQUET": ("SNAPPY",),
    "AVRO": ("SNAPPY", "DEFLATE", "BZIP2", "ZSTD"),
    "ORC": ("SNAPPY", "ZLIB", "LZ4", "ZSTD"),
}  # that the local AWS writes
NOT_WRITTEN = {
    "XML": "The local AWS does not write XML; choose CSV, JSON, PARQUET, GLUEPARQUET, AVRO or ORC.",
    "TABLEAUHYPER": "The local AWS does not write Tableau's Hyper files; choose CSV, JSON, PARQUET, GLUEPARQUET, AVRO or ORC.",
}
DATABASES = "The local AWS has no JDBC connections: {what} are not part of it. Choose a real AWS profile to use them."


def check_name(what: str, name: str) -> None:
    """Raises BrewError unless the name has only the signs that AWS allows."""
    if not NAME.fullmatch(name):
        raise invalid(
            f"The {what} name {name} is invalid. Valid characters are alphanumeric (A-Z, a-z, 0-9), hyphen (-), "
            "period (.), and space."
        )


def check_steps(steps: list[dict[str, Any]]) -> None:
    """Raises BrewError for more than 100 steps, or a step that the engine refuses."""
    from .engine import StepRefused, check

    if len(steps) > MOST_STEPS:
        raise over_quota(f"A recipe can have at most {MOST_STEPS} steps, this one has {len(steps)}.")
    for number, step in enumerate(steps, 1):
        try:
            check(step)
        except StepRefused as refused:
            raise BrewError(refused.code, 400, f"Step {number}: {refused.message}") from None


def dataset_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a dataset, with the format and the source that follow from its input. Raises BrewError."""
    named = [name for name in SOURCES if given["Input"].get(name) is not None]
    if len(named) != 1:
        raise invalid(
            "Input must have exactly one of S3InputDefinition, DataCatalogInputDefinition, DatabaseInputDefinition."
        )
    source = named[0]
    if source == "DatabaseInputDefinition":
        raise invalid(DATABASES.format(what="datasets of a database"))
    settings: dict[str, Any] = {
        name: given[name] for name in ("Input", "Format", "FormatOptions", "PathOptions") if name in given
    }
    settings["Source"] = SOURCES[source]
    if source == "S3InputDefinition":
        if not settings.get("Format"):
            settings["Format"] = _format_of(given["Input"][source].get("Key", ""))
        _check_format_options(settings["Format"], settings.get("FormatOptions") or {})
        _check_path_options(given["Input"][source].get("Key", ""), settings.get("PathOptions") or {})
    else:
        for name in ("FormatOptions", "PathOptions"):
            if settings.get(name):
                raise invalid(f"{name} is for datasets in Amazon S3; the Data Catalog's table says it for this one.")
    return settings


def _format_of(key: str) -> str:
    plain = re.sub(r"\.(gz|bz2|snappy|zst)$", "", key.lower())
    found = next((name for ending, name in FORMATS.items() if plain.endswith(ending)), None)
    if found is None:
        raise invalid(f"Format is required: it cannot be told from the key '{key}'.")
    return found


def _check_format_options(name: str, options: dict[str, Any]) -> None:
    for option, wanted in OPTIONS_OF.items():
        if options.get(option) is not None and name != wanted:
            raise invalid(f"FormatOptions.{option} does not go with Format {name}.")
    delimiter = (options.get("Csv") or {}).get("Delimiter", ",")
    check_delimiter(delimiter)
    excel = options.get("Excel") or {}
    if excel.get("SheetNames") and excel.get("SheetIndexes"):
        raise invalid("FormatOptions.Excel has SheetNames or SheetIndexes, not both.")


def check_delimiter(delimiter: str) -> None:
    if delimiter not in DELIMITERS:
        raise invalid(
            f"The delimiter {delimiter!r} is not supported: it is a comma, colon, semicolon, pipe, tab, caret, backslash or space."
        )


def _check_path_options(key: str, options: dict[str, Any]) -> None:
    from .paths import check

    try:
        check(key, options)
    except ValueError as error:
        raise invalid(str(error)) from None


def check_job(given: dict[str, Any]) -> None:
    """Raises BrewError for settings that no job can have."""
    nodes = given.get("MaxCapacity")
    if nodes is not None and not 1 < nodes <= MOST_NODES:
        raise invalid(f"MaxCapacity must be between 2 and {MOST_NODES}.")
    if given.get("EncryptionMode") == "SSE-KMS" and not given.get("EncryptionKeyArn"):
        raise invalid("EncryptionKeyArn is required with EncryptionMode SSE-KMS.")
    if given.get("EncryptionMode") == "SSE-KMS":
        raise invalid("The local AWS does not encrypt with KMS keys: EncryptionMode SSE-KMS is not part of it.")


def check_outputs(given: dict[str, Any]) -> None:
    """Raises BrewError for outputs of a recipe job that cannot be written."""
    if given.get("DatabaseOutputs"):
        raise invalid(DATABASES.format(what="outputs to a database"))
    if not given.get("Outputs") and not given.get("DataCatalogOutputs"):
        raise invalid("A recipe job needs Outputs, DataCatalogOutputs or DatabaseOutputs.")
    for output in given.get("Outputs") or []:
        name, compression = output.get("Format", "CSV"), output.get("CompressionFormat")
        if name in NOT_WRITTEN:
            raise invalid(NOT_WRITTEN[name])
        if compression and compression not in COMPRESSIONS[name]:
            allowed = ", ".join(COMPRESSIONS[name])
            raise invalid(f"The local AWS does not write {name} with compression {compression}; it writes {allowed}.")
        csv = (output.get("FormatOptions") or {}).get("Csv")
        if csv and name != "CSV":
            raise invalid(f"FormatOptions.Csv does not go with Format {name}.")
        check_delimiter((csv or {}).get("Delimiter", ","))
        columns = output.get("PartitionColumns") or []
        if len(columns) != len(set(columns)):
            raise invalid("PartitionColumns names a column twice.")
    for output in given.get("DataCatalogOutputs") or []:
        if output.get("DatabaseOptions"):
            raise invalid(DATABASES.format(what="outputs to a database"))


def check_sample(sample: dict[str, Any] | None) -> None:
    """Raises BrewError for a JobSample that says no number of rows, or one with a whole dataset."""
    if not sample:
        return
    size = sample.get("Size")
    if sample.get("Mode") == "FULL_DATASET" and size is not None:
        raise invalid("JobSample.Size does not go with Mode FULL_DATASET.")
    if size is not None and size < 1:
        raise invalid("JobSample.Size must be at least 1.")


def check_profile(configuration: dict[str, Any]) -> None:
    """Raises BrewError for a profile configuration that the engine refuses: unknown statistics, wrong parameters, PII detection."""
    from .engine import StepRefused
    from .engine.profile import check

    try:
        check(configuration)
    except StepRefused as refused:
        raise BrewError(refused.code, 400, refused.message) from None


def check_rules(found: list[dict[str, Any]]) -> None:
    """Raises BrewError for rules with the same name, or with an expression that the engine refuses."""
    from .engine import StepRefused
    from .engine.rules import check

    names = [rule["Name"] for rule in found]
    if len(names) != len(set(names)):
        raise invalid("Two rules of the ruleset have the same name.")
    for rule in found:
        try:
            check(rule)
        except StepRefused as refused:
            raise BrewError(refused.code, 400, f"Rule {rule['Name']}: {refused.message}") from None

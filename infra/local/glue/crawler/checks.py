"""What a crawler's or classifier's settings must be.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler.html, crawler-configuration.html, crawler-s3-event-notifications.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

from moto.core.exceptions import JsonRESTError

from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes.grok_text import Grok, GrokError
from infra.globs import glob_pattern
from infra.local.core import roles
from infra.local.core.cron import Cron
from infra.local.glue.crawler.grok_lines import TYPES as GROK_TYPES
from infra.local.glue.crawler.json_records import json_path
from infra.local.glue.crawler.rights import SESSION_NAME

SHORTEST_SCHEDULE_MINUTES = 5
UPDATE_BEHAVIORS = ("LOG", "UPDATE_IN_DATABASE")
DELETE_BEHAVIORS = ("LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE")
RECRAWL_BEHAVIORS = ("CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY", "CRAWL_EVENT_MODE")
TARGET_KINDS = (
    "S3Targets",
    "JdbcTargets",
    "MongoDBTargets",
    "DynamoDBTargets",
    "CatalogTargets",
    "DeltaTargets",
    "IcebergTargets",
    "HudiTargets",
)


class InvalidInput(JsonRESTError):
    def __init__(self, message: str):
        super().__init__("InvalidInputException", message)


def check_crawler(settings: dict[str, Any], account: str, region: str, classifiers: Container[str]) -> None:
    """Refuse settings that AWS or the local AWS does not take; the role becomes its path and name.

    Parameters
    ----------
    settings: the members of CreateCrawler, in AWS's form
    classifiers: the names of the custom classifiers that there are

    Raises InvalidInputException, ValidationException, AccessDeniedException.
    """
    _check_policies(settings)
    _check_targets(settings, account, region)
    settings["Role"] = check_role(account, settings["Role"])
    _check_configuration(settings.get("Configuration"))
    if settings.get("Schedule"):
        check_schedule(settings["Schedule"])
    for name in settings.get("Classifiers") or []:
        if name not in classifiers:
            raise InvalidInput(f"Classifier with name {name} does not exist")
    if not settings.get("DatabaseName"):
        raise InvalidInput("DatabaseName must be given for S3 targets.")
    if settings.get("CrawlerSecurityConfiguration"):
        raise InvalidInput("The local AWS has no security configurations for crawlers.")
    lineage = (settings.get("LineageConfiguration") or {}).get("CrawlerLineageSettings", "DISABLE")
    lake_formation = (settings.get("LakeFormationConfiguration") or {}).get("UseLakeFormationCredentials")
    if lineage != "DISABLE" or lake_formation:
        raise InvalidInput("The local AWS has neither data lineage nor Lake Formation.")


def _check_targets(settings: dict[str, Any], account: str, region: str) -> None:
    targets = settings["Targets"]
    others = [kind for kind in TARGET_KINDS[1:] if targets.get(kind)]
    if others:
        raise InvalidInput(f"The local AWS crawls S3 targets only, not {', '.join(others)}.")
    s3_targets = targets.get("S3Targets") or []
    if not s3_targets:
        raise InvalidInput("At least one crawler target must be specified.")
    for target in s3_targets:
        path = target.get("Path") or ""
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", path, re.DOTALL):
            raise InvalidInput(f"The S3 target path {path} is not valid: it has the form s3://bucket/folder/.")
        if target.get("ConnectionName"):
            raise InvalidInput("The local AWS has no connections for S3 targets.")
        for pattern in target.get("Exclusions") or []:
            try:
                glob_pattern(pattern)
            except ValueError as error:
                raise InvalidInput(str(error)) from None
        size = target.get("SampleSize")
        if size is not None and not 1 <= size <= 249:
            raise InvalidInput("SampleSize must be between 1 and 249.")
    if (settings.get("RecrawlPolicy") or {}).get("RecrawlBehavior") == "CRAWL_EVENT_MODE":
        _check_event_mode(s3_targets, account, region)


def _check_event_mode(targets: list[dict[str, Any]], account: str, region: str) -> None:
    if len(targets) != 1:
        raise InvalidInput("A crawler in event mode has one S3 target.")
    if not targets[0].get("EventQueueArn"):
        raise InvalidInput("A crawler in event mode needs the ARN of an SQS queue for its target.")
    if targets[0].get("SampleSize"):
        raise InvalidInput("SampleSize is not supported in event mode.")
    for member in ("EventQueueArn", "DlqEventQueueArn"):
        arn = targets[0].get(member)
        if arn and not _queue_exists(account, region, arn):
            raise InvalidInput(f"SQS queue {arn} does not exist or the role provided does not have access to it.")


def _check_policies(settings: dict[str, Any]) -> None:
    policy = settings.get("SchemaChangePolicy") or {}
    recrawl = (settings.get("RecrawlPolicy") or {}).get("RecrawlBehavior")
    _one_of(policy.get("UpdateBehavior"), UPDATE_BEHAVIORS, "schemaChangePolicy.updateBehavior")
    _one_of(policy.get("DeleteBehavior"), DELETE_BEHAVIORS, "schemaChangePolicy.deleteBehavior")
    _one_of(recrawl, RECRAWL_BEHAVIORS, "recrawlPolicy.recrawlBehavior")
    if recrawl == "CRAWL_NEW_FOLDERS_ONLY" and any(behavior != "LOG" for behavior in policy.values()):
        raise InvalidInput(
            'The SchemaChangePolicy for "Crawl new folders only" Amazon S3 target can have only LOG DeleteBehavior '
            "value and LOG UpdateBehavior value."
        )


def _one_of(value: str | None, choices: tuple[str, ...], member: str) -> None:
    if value is not None and value not in choices:
        raise JsonRESTError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(choices)}]",
        )


def check_role(account: str, role: str) -> str:
    """Return a role's path and name; it must be there and trust Glue. Raises InvalidInputException, AccessDeniedException."""
    if role.startswith("arn:") and role.split(":")[4:5] != [account]:
        raise JsonRESTError("AccessDeniedException", "Cross-account pass role is not allowed.")
    return assume(account, role).role.arn.partition(":role/")[2]


def assume(account: str, role: str) -> roles.Session:
    """Return the credentials with which a crawler acts as its role. Raises InvalidInputException."""
    try:
        return roles.session(account, role, "glue", name=SESSION_NAME)
    except roles.CannotAssume:
        raise InvalidInput("Service is unable to assume provided role. Please verify role's TrustPolicy") from None


def _queue_exists(account: str, region: str, arn: str) -> bool:
    from infra.local.core import registry

    parts = arn.split(":")
    is_here = len(parts) == 6 and parts[2:5] == ["sqs", region, account]
    return is_here and parts[5] in registry.get("sqs").backends[account][region].queues


def check_schedule(expression: str) -> None:
    """Raises InvalidInputException when a schedule is not valid."""
    try:
        Cron(expression, SHORTEST_SCHEDULE_MINUTES)
    except ValueError as error:
        raise InvalidInput(str(error)) from None


_CONFIGURATION: dict[str, Any] = {
    "Version": (1,),
    "CrawlerOutput": {
        "Tables": {"AddOrUpdateBehavior": ("MergeNewColumns",), "TableThreshold": int},
        "Partitions": {"AddOrUpdateBehavior": ("InheritFromTable",)},
    },
    "Grouping": {"TableGroupingPolicy": ("CombineCompatibleSchemas",), "TableLevelConfiguration": int},
    "CreatePartitionIndex": bool,
}


def _check_configuration(text: str | None) -> None:
    """Check the JSON text of Configuration. Raises InvalidInputException."""
    if not text:
        return
    try:
        given = json.loads(text)
    except ValueError:
        raise InvalidInput("The crawler configuration is not valid JSON.") from None
    if not isinstance(given, dict) or "Version" not in given:
        raise InvalidInput("The crawler configuration must be a JSON object with a Version.")
    _check_against(given, _CONFIGURATION, "")


def _check_against(given: Any, allowed: Any, path: str) -> None:
    if isinstance(allowed, dict):
        if not isinstance(given, dict):
            raise InvalidInput(f"The crawler configuration {path} must be an object.")
        for name, value in given.items():
            if name not in allowed:
                raise InvalidInput(f"The crawler configuration has no member {path}{name}.")
            _check_against(value, allowed[name], f"{path}{name}.")
        return
    if isinstance(allowed, tuple):
        is_valid = given in allowed and not isinstance(given, bool)
    elif allowed is int:
        is_valid = isinstance(given, int) and not isinstance(given, bool) and given > 0
    else:
        is_valid = isinstance(given, bool)
    if not is_valid:
        raise InvalidInput(f"The crawler configuration {path.rstrip('.')} cannot be {json.dumps(given)}.")


def _check_grok(given: dict[str, Any]) -> None:
    try:
        columns = Grok(given["GrokPattern"], given.get("CustomPatterns") or "").columns()
    except GrokError as error:
        raise InvalidInput(f"Grok pattern is not valid: {error}") from None
    except QueryError as error:
        raise InvalidInput(error.message) from None
    if not columns:
        raise InvalidInput("Grok pattern is not valid: it names no field")
    for field in columns:
        if field.type not in GROK_TYPES:
            raise InvalidInput(f"Invalid data type :{field.type}")


def check_classifier(kind: str, given: dict[str, Any]) -> None:
    """Refuse a classifier that is not valid, or that the local AWS does not have. Raises InvalidInputException."""
    if kind == "XMLClassifier":
        raise InvalidInput("The local AWS has JSON, CSV and Grok classifiers, but no XMLClassifier.")
    if kind == "GrokClassifier":
        return _check_grok(given)
    if kind == "JsonClassifier":
        try:
            json_path(given["JsonPath"])
        except ValueError as error:
            raise InvalidInput(str(error)) from None
        return
    if given.get("CustomDatatypeConfigured") or given.get("CustomDatatypes"):
        raise InvalidInput("The local AWS has no custom data types in CSV classifiers.")
    for member in ("Delimiter", "QuoteSymbol"):
        if given.get(member) and (len(given[member]) != 1 or given[member] in "\r\n"):
            raise InvalidInput(f"{member} must be one character, and no line end.")
    if given.get("Delimiter") and given.get("Delimiter") == given.get("QuoteSymbol"):
        raise InvalidInput("Delimiter and QuoteSymbol must differ.")
    _one_of(given.get("ContainsHeader"), ("UNKNOWN", "PRESENT", "ABSENT"), "csvClassifier.containsHeader")
    _one_of(given.get("Serde"), ("OpenCSVSerDe", "LazySimpleSerDe", "None"), "csvClassifier.serde")

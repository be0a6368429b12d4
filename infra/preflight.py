"""`workshop preflight`: is this AWS account ready for the workshop? A table of findings, each with what to do.

It asks and changes nothing. Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html,
https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html (quotas)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.teaching import cost, prices

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
ROLE = re.compile(r"^    Type: AWS::IAM::Role$", re.MULTILINE)
MOST_NAMED = 5  # missing actions of a statement
PAIRS = 100  # of an action and a resource, that one call may simulate


class Statement(NamedTuple):
    """What a learner may do, of the participant's policies: one statement with the names of an account filled in."""

    name: str
    actions: list[str]
    resources: list[str]
    keys: dict[str, str]


class Finding(NamedTuple):
    """One line of the table: what was looked at, whether it is all right (None: could not be told), and what to do."""

    what: str
    ok: bool | None
    told: str

    def __str__(self) -> str:
        return f"{ {True: 'ok', False: 'NOT OK', None: '?'}[self.ok]:<7}{self.what:<27}{self.told}"


def look(session: Any, templates: Path) -> Iterator[Finding]:
    """Yield the findings of an account. `templates` is the folder of the workshop's stacks."""
    if not session.region_name:
        yield Finding("region", False, f"none is set. `aws configure set region {prices.REGIONS[0]}` sets it.")
        return
    try:
        identity = session.client("sts").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        yield Finding("identity", False, f"{error}. Check the profile's keys; `aws configure` sets them.")
        return
    root = identity["Arn"].endswith(":root")
    yield Finding(
        "identity",
        not root,
        f"{identity['Arn']}. Root has no limits: use a role or a user." if root else identity["Arn"],
    )
    yield _region(session)
    for find in (_permissions, _stream_quota, _roles_quota, _leftovers, _names):
        yield from _told(find, session, identity, templates)
    yield Finding("price", True, _price(templates, session.region_name))


def _told(
    find: Callable[[Any, dict[str, str], Path], Iterator[Finding]], session: Any, identity: dict[str, str], folder: Path
) -> Iterator[Finding]:
    """Yield what a look finds; what may not be asked is not known, and no reason to stop."""
    try:
        yield from find(session, identity, folder)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        yield Finding(find.__name__.strip("_").replace("_", " "), None, f"may not be asked: {error.operation_name}")


def _region(session: Any) -> Finding:
    known = session.region_name in prices.REGIONS
    told = session.region_name if known else f"{session.region_name}: prices here are those of {prices.REGIONS[0]}"
    return Finding("region", True, told)


def principal_of(arn: str) -> str:
    """Return what a simulation is asked about: of a session its role (without the path, which the session does not tell)."""
    parts = arn.split(":")
    if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"arn:aws:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return arn


def _permissions(session: Any, identity: dict[str, str], folder: Path) -> Iterator[Finding]:
    """Simulate each statement of the participant's role for the caller."""
    if identity["Arn"].endswith(":root"):
        yield Finding("permissions", True, "root may do all")
        return
    iam, source = session.client("iam"), principal_of(identity["Arn"])
    text = (folder / "00_participant.yaml").read_text()
    for statement in statements(text, identity["Account"], session.region_name):
        refused = list(dict.fromkeys(_refused(iam, source, statement)))
        told = f"{len(statement.actions)} actions"
        if refused:
            told = f"lacks {_few(refused)}. Ask for them, or for infra/stacks/00_participant.yaml"
        yield Finding(f"may: {statement.name}", not refused, told)


def _few(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _refused(iam: Any, source: str, statement: Statement) -> Iterator[str]:
    keys = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in statement.keys.items()
    ]
    most = max(1, PAIRS // len(statement.resources))
    for first in range(0, len(statement.actions), most):
        asked = {
            "PolicySourceArn": source,
            "ActionNames": statement.actions[first : first + most],
            "ResourceArns": statement.resources,
            "ContextEntries": keys,
        }
        for page in iam.get_paginator("simulate_principal_policy").paginate(**asked):
            for each in page["EvaluationResults"]:
                if each["EvalDecision"] != "allowed":
                    yield each["EvalActionName"]


def statements(template: str, account: str, region: str) -> Iterator[Statement]:
    """Yield the statements that allow, of all policies in a template, for an account: a `*` within a name stands for one name."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads the short forms of CloudFormation's functions as their plain values."""

    Loader.add_multi_constructor("!", _plain)
    for resource in yaml.load(template, Loader)["Resources"].values():
        document = resource.get("Properties", {}).get("PolicyDocument", {})
        for each in document.get("Statement", []):
            if each["Effect"] == "Allow":
                resources = [_named(arn, account, region) for arn in _listed(each["Resource"])]
                services = _listed(each.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService", []))
                keys = {"iam:PassedToService": services[0]} if services else {}
                yield Statement(each["Sid"], _listed(each["Action"]), resources, keys)


def _plain(loader: Any, _: str, node: Any) -> Any:
    if hasattr(node, "value") and isinstance(node.value, str):
        return node.value
    return None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _named(arn: str, account: str, region: str) -> str:
    if arn == "*":
        return arn
    for name, value in (("Partition", "aws"), ("AccountId", account), ("Region", region)):
        arn = arn.replace(f"${{AWS::{name}}}", value)
    return arn.replace("*", "x")


def _stream_quota(session: Any, _: dict[str, str], folder: Path) -> Iterator[Finding]:
    limits = session.client("kinesis").describe_limits()
    left = limits["ShardLimit"] - limits["OpenShardCount"]
    needed = sum(cost.shards(path.read_text()) for path in folder.glob("*.yaml"))
    told = f"{left} of {limits['ShardLimit']} are free, {needed} are needed"
    if left < needed:
        told += ". Delete streams, or ask for a higher quota (L-1D37F3FC)"
    yield Finding("quota of shards", left >= needed, told)


def _roles_quota(session: Any, _: dict[str, str], folder: Path) -> Iterator[Finding]:
    summary = session.client("iam").get_account_summary()["SummaryMap"]
    left = summary["RolesQuota"] - summary["Roles"]
    needed = sum(ROLE.subn("", path.read_text())[1] for path in folder.glob("*.yaml"))
    told = f"{left} of {summary['RolesQuota']} are free, {needed} are needed"
    if left < needed:
        told += ". Delete roles, or ask for a higher quota (L-FE177D64)"
    yield Finding("quota of roles", left >= needed, told)


def _leftovers(session: Any, _: dict[str, str], folder: Path) -> Iterator[Finding]:
    now = cost.running(session, folder)
    left = [name for name in now.stacks if name != f"{cost.PREFIX}00-participant"]  # the account's owner made that
    told = f"{', '.join(left)}: {24 * now.hourly:.2f} USD a day. Notebook 11 deletes them" if left else "none"
    yield Finding("leftovers", not left, told)


def _names(session: Any, identity: dict[str, str], _: Path) -> Iterator[Finding]:
    bucket = f"aw-{identity['Account']}-analytics-workshop-bucket"
    try:
        session.client("s3").head_bucket(Bucket=bucket)
        taken, told = True, f"the bucket {bucket} is there already, in this account"
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        taken, told = status != 404, f"{bucket} is free"
        if status == 403:
            told = f"the bucket {bucket} is somebody else's, or you may not look (s3:ListBucket): give deploy a Prefix of your own"
    yield Finding("names", not taken, told)


def _price(folder: Path, region: str) -> str:
    hourly = sum(cost.of_template(path.read_text(), region).hourly for path in folder.glob("*.yaml"))
    dpu, kpu = prices.usd("glue dpu", region), prices.usd("flink kpu", region)
    return (
        f"all stacks {hourly:.2f} USD an hour while they exist; a crawl at least {10 / 60 * 2 * dpu:.2f}, an hour of a Glue session "
        f"{2 * dpu:.2f}, of a Flink application {2 * kpu:.2f}, of a DataBrew project {2 * prices.usd('databrew session', region):.2f}"
    )

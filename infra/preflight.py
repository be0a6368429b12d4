"""`workshop preflight`: is this AWS account ready for the workshop? A table of findings, each with what to do.

It asks and changes nothing. Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html,
https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html (quotas)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from infra.teaching import cost, prices

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
SHARDS_NEEDED = 6  # of chapters 01 and 07
# What the caller does in each chapter, on "*": enough to find what is missing before the first cell does
ACTIONS = {
    "01": ["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "iam:CreateRole", "iam:PassRole",
           "s3:CreateBucket", "kinesis:CreateStream", "kinesis:PutRecords", "firehose:CreateDeliveryStream"],
    "02": ["glue:CreateDatabase", "glue:CreateCrawler", "glue:StartCrawler", "athena:CreateWorkGroup"],
    "03": ["glue:CreateSession", "glue:RunStatement"],
    "04": ["glue:CreateJob", "glue:StartJobRun"],
    "05": ["databrew:CreateDataset", "databrew:CreateProject", "databrew:CreateProfileJob", "databrew:StartJobRun"],
    "06": ["athena:StartQueryExecution", "athena:GetQueryResults", "glue:GetTable", "s3:GetObject", "s3:PutObject"],
    "07": ["kinesisanalytics:CreateApplication", "kinesisanalytics:StartApplication"],
    "08": ["lambda:CreateFunction", "lambda:InvokeFunction"],
    "09": ["states:CreateStateMachine", "states:StartExecution", "events:PutRule"],
}  # fmt: skip


class Finding(NamedTuple):
    """One line of the table: what was looked at, whether it is all right (None: could not be told), and what to do."""

    what: str
    ok: bool | None
    told: str

    def __str__(self) -> str:
        return f"{ {True: 'ok', False: 'NOT OK', None: '?'}[self.ok]:<7}{self.what:<22}{self.told}"


def look(session: Any, templates: Path) -> Iterator[Finding]:
    """Yield the findings of an account. `templates` is the folder of the workshop's stacks."""
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


def _permissions(session: Any, identity: dict[str, str], _: Path) -> Iterator[Finding]:
    if identity["Arn"].endswith(":root"):
        yield Finding("permissions", True, "root may do all")
        return
    iam, source = session.client("iam"), principal_of(identity["Arn"])
    for chapter, actions in ACTIONS.items():
        found = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=actions)["EvaluationResults"]
        refused = [each["EvalActionName"] for each in found if each["EvalDecision"] != "allowed"]
        told = f"lacks {', '.join(refused)}" if refused else f"{len(actions)} actions"
        if refused:
            told += ". Ask for them, or for infra/stacks/00_participant.yaml"
        yield Finding(f"permissions of {chapter}", not refused, told)


def _stream_quota(session: Any, _: dict[str, str], __: Path) -> Iterator[Finding]:
    limits = session.client("kinesis").describe_limits()
    left = limits["ShardLimit"] - limits["OpenShardCount"]
    told = f"{left} of {limits['ShardLimit']} are free, {SHARDS_NEEDED} are needed"
    if left < SHARDS_NEEDED:
        told += ". Delete streams, or ask for a higher quota (L-1D37F3FC)"
    yield Finding("quota of shards", left >= SHARDS_NEEDED, told)


def _roles_quota(session: Any, _: dict[str, str], __: Path) -> Iterator[Finding]:
    summary = session.client("iam").get_account_summary()["SummaryMap"]
    left = summary["RolesQuota"] - summary["Roles"]
    yield Finding("quota of roles", left >= 10, f"{left} of {summary['RolesQuota']} are free, 10 are needed")


def _leftovers(session: Any, _: dict[str, str], folder: Path) -> Iterator[Finding]:
    now = cost.running(session, folder)
    told = (
        f"{', '.join(now.stacks)}: {24 * now.hourly:.2f} USD a day. Notebook 11 deletes them" if now.stacks else "none"
    )
    yield Finding("leftovers", not now.stacks, told)


def _names(session: Any, identity: dict[str, str], _: Path) -> Iterator[Finding]:
    bucket = f"aw-{identity['Account']}-analytics-workshop-bucket"
    try:
        session.client("s3").head_bucket(Bucket=bucket)
        taken, told = True, f"the bucket {bucket} is there already, in this account"
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        taken, told = status != 404, f"{bucket} is free"
        if status == 403:
            told = f"the bucket {bucket} is somebody else's: give deploy a Prefix of your own"
    yield Finding("names", not taken, told)


def _price(folder: Path, region: str) -> str:
    hourly = sum(cost.of_template(path.read_text(), region).hourly for path in folder.glob("*.yaml"))
    dpu, kpu = prices.usd("glue dpu", region), prices.usd("flink kpu", region)
    return (
        f"all stacks {hourly:.2f} USD an hour while they exist; a crawl at least {10 / 60 * 2 * dpu:.2f}, an hour of a Glue session "
        f"{2 * dpu:.2f}, of a Flink application {2 * kpu:.2f}, of a DataBrew project {2 * prices.usd('databrew session', region):.2f}"
    )

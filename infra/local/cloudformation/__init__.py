"""AWS CloudFormation: stacks and change sets, made by an engine of plain data."""

from infra.local.cloudformation.backend import BACKENDS, resume, stop
from infra.local.cloudformation.responses import RESPONSE, URLS
from infra.local.cloudformation.rights import resources
from infra.local.cloudformation.signals import hosted
from infra.local.core.service import Service

READ_ELSEWHERE = {"CreateChangeSet", "CreateStack", "UpdateStack"}  # they wait for parameters of Systems Manager
STORED_BY_THEMSELVES = READ_ELSEWHERE | {
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "DeleteChangeSet",
    "DeleteStack",
    "ExecuteChangeSet",
    "UpdateTerminationProtection",
}

SERVICE = Service(
    "cloudformation",
    BACKENDS,
    RESPONSE,
    URLS,
    hosted=hosted,
    resources=resources,
    restores=False,
    unlocked=READ_ELSEWHERE,
    quick={"DescribeStacks"},
    unsaved=STORED_BY_THEMSELVES,
    resume=resume,
    stop=stop,
)

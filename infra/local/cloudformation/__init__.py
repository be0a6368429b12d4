"""AWS CloudFormation: stacks and change sets, made by an engine of plain data."""

from infra.local.cloudformation.backend import BACKENDS, RESPONSE, URLS, flush, resume, stop
from infra.local.cloudformation.rights import resources
from infra.local.core.service import Service

SERVICE = Service(
    "cloudformation",
    BACKENDS,
    RESPONSE,
    URLS,
    resources=resources,
    restores=False,
    flush=flush,
    resume=resume,
    stop=stop,
)

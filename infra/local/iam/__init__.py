"""AWS Identity and Access Management."""

from infra.local.core.roles.identities import changed
from infra.local.core.service import Service
from infra.local.iam.backend import BACKENDS
from infra.local.iam.responses import RESPONSE

SERVICE = Service("iam", BACKENDS, RESPONSE, flush=changed, forget=changed)

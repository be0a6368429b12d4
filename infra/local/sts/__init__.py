"""AWS Security Token Service: temporary credentials that the core's roles know."""

from infra.local.core.service import Service
from infra.local.sts.backend import BACKENDS, RESPONSE

SERVICE = Service("sts", BACKENDS, RESPONSE, quick={"GetCallerIdentity"})

"""AWS Key Management Service: moto's, and what other services ask of a key."""

from infra.local.core.service import Service
from infra.local.kms.backend import BACKENDS, RESPONSE, UnusableKey, check_usable

SERVICE = Service("kms", BACKENDS, RESPONSE)

__all__ = ["UnusableKey", "check_usable"]

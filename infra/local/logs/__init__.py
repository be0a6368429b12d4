"""Amazon CloudWatch Logs: moto's, with the lines of each stream in rows of their own."""

from infra.local.core.service import Service
from infra.local.logs.backend import BACKENDS

SERVICE = Service("logs", BACKENDS)

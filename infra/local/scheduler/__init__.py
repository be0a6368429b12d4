"""Amazon EventBridge Scheduler: one-time and recurring schedules that really fire."""

from infra.local.core.service import Service
from infra.local.scheduler.backend import BACKENDS, RESPONSE, resume, stop

SERVICE = Service("scheduler", BACKENDS, RESPONSE, resume=resume, stop=stop)

"""Amazon SNS: messages of topics are delivered over a queue on disk."""

from infra.local.core.service import Service
from infra.local.sns.backend import BACKENDS, RESPONSE, UNSAVED, resume, stop

SERVICE = Service("sns", BACKENDS, RESPONSE, unsaved=UNSAVED, resume=resume, stop=stop)

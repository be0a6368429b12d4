"""Amazon SQS: a message is a row; long polls take no thread."""

from infra.local.core.service import Service
from infra.local.sqs.backend import BACKENDS, RESPONSE, UNSAVED, forget, resume, wire

SERVICE = Service("sqs", BACKENDS, RESPONSE, unsaved=UNSAVED, wire=wire, forget=forget, resume=resume)

"""Amazon DynamoDB: moto's, with a row for each item and table."""

from infra.local.core.service import Service
from infra.local.dynamodb.backend import BACKENDS, resume

SERVICE = Service("dynamodb", BACKENDS, resume=resume)

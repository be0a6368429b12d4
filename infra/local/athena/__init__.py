"""Amazon Athena."""

from moto.athena.models import athena_backends
from moto.athena.responses import AthenaResponse

BACKENDS = athena_backends
RESPONSE = AthenaResponse

"""AWS Glue: moto's Data Catalog, with crawlers, jobs and sessions made real in modules of their own."""

from moto.glue.models import GlueBackend, glue_backends
from moto.glue.responses import GlueResponse

BACKENDS = glue_backends


class LocalGlueBackend(GlueBackend):
    pass


glue_backends.backend = LocalGlueBackend
RESPONSE = GlueResponse

"""AWS Glue: the parts of the backend, each made real in a module of its own."""

from moto.glue.models import GlueBackend, glue_backends

from infra.local.catalog import Catalog, CatalogResponse


class LocalGlueBackend(Catalog, GlueBackend):
    pass


class LocalGlueResponse(CatalogResponse):
    pass


glue_backends.backend = LocalGlueBackend
BACKENDS = glue_backends
RESPONSE = LocalGlueResponse

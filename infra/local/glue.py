"""AWS Glue: the parts of the backend, each made real in a module of its own."""

from moto.glue.models import GlueBackend, glue_backends

from infra.local import crawler
from infra.local.catalog import Catalog
from infra.local.crawler import CrawlerResponse, Crawlers


class LocalGlueBackend(Crawlers, Catalog, GlueBackend):
    pass


class LocalGlueResponse(CrawlerResponse):
    pass


glue_backends.backend = LocalGlueBackend
BACKENDS = glue_backends
RESPONSE = LocalGlueResponse


def resume() -> None:
    crawler.resume()


def stop() -> None:
    crawler.stop()

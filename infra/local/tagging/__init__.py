"""Resource Groups Tagging API: what it tags belongs to other services, and is saved with them."""

from __future__ import annotations

from typing import Any

from moto.resourcegroupstaggingapi.models import (
    ResourceGroupsTaggingAPIBackend,
    resourcegroupstaggingapi_backends,
)

from infra.local.core.service import Service


class LocalTaggingBackend(ResourceGroupsTaggingAPIBackend):
    def __getstate__(self) -> dict[str, Any]:
        """Leave out the pages that somebody is reading: they are half-run generators."""
        return {**self.__dict__, "_pages": {}}


resourcegroupstaggingapi_backends.backend = LocalTaggingBackend

SERVICE = Service("tagging", resourcegroupstaggingapi_backends, changes_all=True)

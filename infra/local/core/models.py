"""AWS's own models of its services, from botocore: read once, and without a look into every service's folder."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.model import ServiceModel
from moto.core import utils
from moto.core.loaders import Loader, moto_root

from infra.local.core import registry

if TYPE_CHECKING:
    from infra.local.core.service import Service


class _Loader(Loader):
    def list_available_services(self, type_name: str) -> list[str]:
        """Return the folders that may hold a model; botocore looks into each of them, 400 times, before it reads one."""
        return [name for path in self.search_paths if os.path.isdir(path) for name in os.listdir(path)]


@lru_cache(maxsize=1)
def _loader() -> _Loader:
    return _Loader(
        extra_search_paths=[moto_root]
    )  # where moto adds what AWS's models leave out, such as the status of an error


def _load(service: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = _loader().load_service_model(service, kind)
    return found


utils._load_service_model = _load  # moto makes a loader for every model


def of(service: Service) -> ServiceModel:
    """Return the model of a service. Raises botocore's UnknownServiceError."""
    return utils.get_service_model(registry.model_name(service.name))

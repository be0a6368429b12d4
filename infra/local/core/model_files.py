"""The files of AWS's own models, from botocore: each is read once for all who need it, and without a look into every service's folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader
from moto.core import utils
from moto.core.loaders import Loader, moto_root


class _Reader(JSONFileLoader):
    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        """Return what is in a file, None where there is none; botocore's own way takes three times as long."""
        if not os.path.isfile(full_path):
            return None
        with open_method(full_path, "rb") as file:
            return orjson.loads(file.read())


class _Loader(Loader):
    FILE_LOADER_CLASS = _Reader

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the folders that may hold a model; botocore looks into each of them, 400 times, before it reads one."""
        return [name for path in self.search_paths if os.path.isdir(path) for name in os.listdir(path)]


@lru_cache(maxsize=1)
def loader() -> _Loader:
    """Return what reads models and remembers them."""
    return _Loader(
        extra_search_paths=[moto_root]
    )  # where moto adds what AWS's models leave out, such as the status of an error


def _load(service: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = loader().load_service_model(service, kind)
    return found


utils._load_service_model = _load  # moto makes a loader for every model

"""moto's dictionaries of backends, without what moto does again at each look into one and for each account."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from boto3 import Session
from botocore.session import get_session
from moto.core.base_backend import AccountSpecificBackend, BackendDict

from infra.local.core import model_files


@lru_cache(maxsize=1)
def _session() -> Session:
    session = get_session()
    session.register_component("data_loader", model_files.loader())
    return Session(botocore_session=session)


@lru_cache(maxsize=1024)
def regions(service: str) -> list[str]:
    """Return the regions that have a service; moto finds them out for every account again.

    Parameters
    ----------
    service: botocore's name
    """
    found = _session()
    return [
        region
        for partition in found.get_available_partitions()
        for region in found.get_available_regions(service, partition_name=partition)
    ]


def _of_account(backends: BackendDict[Any], account: str) -> Any:
    """Return the backends of an account; moto takes a lock of all services at each look."""
    if account not in backends.keys():
        backends._create_account_specific_backend(account)
    return dict.__getitem__(backends, account)


AccountSpecificBackend._generate_regions = lambda _, service: regions(service)
BackendDict.__getitem__ = _of_account

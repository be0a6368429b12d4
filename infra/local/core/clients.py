"""boto3 clients on this very server that share what costs: a client's model, rules and handlers are made once for a service and region.

To make a boto3 client takes tens of milliseconds of the processor and a megabyte; a class has hundreds of callers. So each caller has a client of its own that
is a copy of the service's one, with other credentials at each call.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from infra.local.core import lineage, model_files

OF_SERVICES = "workshop-service"  # in the user agent: what services ask for is not counted by core/rates.py
READ_SECONDS = 960  # that an operation of this server may take: a Lambda function has a quarter of an hour
CONNECTIONS = 200  # more threads never ask at once

_keys: ContextVar[tuple[str, str, str | None]] = ContextVar("keys")  # of the call that this thread makes
_making = threading.Lock()


def client(endpoint: str, region: str, service: str, access_key: str, secret_key: str, token: str | None) -> Any:
    """Return a boto3 client with these credentials.

    Each call is tried once: again could do twice what is done already. So it has a connection of its own, for the server closes kept
    ones after a while, perhaps when a call is on its way.

    Parameters
    ----------
    endpoint: URL of a server
    region: for example us-east-1
    service: botocore's name
    access_key: an access key id
    secret_key: what signs
    token: of a session, None for a key that lasts
    """
    with _making:  # sessions of botocore are not made for several threads, and what they load is shared
        shared = _shared(endpoint, region, service)
    made = object.__new__(type(shared))
    made.__dict__.update(shared.__dict__)
    keys = access_key, secret_key, token

    def call(operation: str, parameters: Mapping[str, Any]) -> Any:
        reset = _keys.set(keys)
        try:
            return shared._make_api_call(operation, parameters)
        finally:
            _keys.reset(reset)

    made._make_api_call = call  # which all operations, paginators and waiters go through
    return made


@lru_cache(maxsize=1)
def _session() -> Any:
    import botocore.session
    from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials

    class OfTheCall(Credentials):
        """Signs with the keys of the call under way."""

        def get_frozen_credentials(self) -> Any:
            return ReadOnlyCredentials(*_keys.get())

    class Provider(CredentialProvider):
        METHOD = CANONICAL_NAME = "workshop"

        def load(self) -> Credentials:
            return OfTheCall("each call", "has its own")

    session = botocore.session.get_session()
    session.register_component("data_loader", model_files.loader())
    session.register_component("credential_provider", CredentialResolver([Provider()]))
    return session


@lru_cache(maxsize=256)
def _shared(endpoint: str, region: str, service: str) -> Any:
    from botocore.config import Config

    made = _session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            retries={"total_max_attempts": 1},
            read_timeout=READ_SECONDS,
            user_agent=OF_SERVICES,  # the usual one is put together anew at each call
            max_pool_connections=CONNECTIONS,
            inject_host_prefix=False,
        ),
    )
    made.meta.events.register("before-send", _prepare)
    return made


def _prepare(request: Any, **_: Any) -> None:
    request.headers["Connection"] = "close"
    trace = lineage.header()
    if trace is not None:
        request.headers[lineage.HEADER] = trace

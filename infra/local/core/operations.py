"""Which operation a request asks for, by the protocol of its service.

Source: https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from infra.local.core import models, registry, rest
from infra.local.core.answers import CBOR_TYPE, JSON_TYPES
from infra.local.core.refused import Refused
from infra.local.core.request import ACCOUNT, Request
from infra.local.core.service import Service

TARGETED = {*JSON_TYPES, CBOR_TYPE, "application/json"}  # what comes with a header X-Amz-Target
RPC_PATH = re.compile(r"/service/[A-Za-z0-9_]+/operation/([A-Za-z0-9]+)")  # Smithy's RPC v2


def find(service: Service, request: Request, body: bytes) -> str:
    """Return the operation of a request, "" where a REST path means none (moto answers). Raises Refused.

    Parameters
    ----------
    service: its contract
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    model = models.of(service)
    protocols = protocols_of(model)
    if request.target:
        if request.content_type not in TARGETED:
            raise Refused(
                400, "UnknownOperationException", f"No operation takes the Content-Type {request.content_type!r}."
            )
        operation = request.target.rpartition(".")[2]
        if not protocols & {"json"} or operation not in model.operation_names:
            raise Refused(400, "UnknownOperationException", f"Unknown operation {operation}.")
        return operation
    if "smithy-rpc-v2-cbor" in protocols and (rpc := RPC_PATH.fullmatch(request.raw_path)):
        return rpc[1]
    if "rest-json" in protocols:
        if request.is_form:  # as curl says it of everything; moto would read the body as one
            request.original_headers = {**_without_type(request.original_headers), "content-type": "application/json"}
            request.content_type = "application/json"
        found = service.operation or (lambda *given: rest.operation(registry.model_name(service.name), *given))
        return found(request.method, request.raw_path, request.query_string)
    if "query" in protocols:
        operation = of_form(request, body)
        if not operation:
            raise Refused(400, "MissingAction", "The request must contain the parameter Action.")
        if operation not in model.operation_names:
            raise Refused(400, "InvalidAction", f"Could not find operation {operation}.")
        return operation
    if "json" in protocols:  # a web page cannot send this header
        raise Refused(400, "UnknownOperationException", "The request has no header X-Amz-Target.")
    return request.operation


def _without_type(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}


def of_form(request: Request, body: bytes) -> str:
    """Return the Action of a request of the query protocol, "" where there is none.

    Parameters
    ----------
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    return form(request, body).get("Action", "")


def account_of_role(request: Request, body: bytes) -> str:
    """Return the account in the RoleArn of a request of the query protocol, "" where there is none.

    Parameters
    ----------
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    parts = form(request, body).get("RoleArn", "").split(":")
    return parts[4] if len(parts) == 6 and ACCOUNT.fullmatch(parts[4]) else ""


def form(request: Request, body: bytes) -> dict[str, str]:
    """Return the fields of a request of the query protocol, as flat as they come: `Tags.member.1.Key`.

    Parameters
    ----------
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    fields = request.query
    if request.is_form and body:
        fields.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return fields


def protocols_of(model: object) -> set[str]:
    """Return the names of the protocols that a service speaks.

    Parameters
    ----------
    model: botocore's
    """
    return {str(model.protocol), *model.metadata.get("protocols", ())}  # type: ignore[attr-defined]

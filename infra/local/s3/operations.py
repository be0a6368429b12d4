"""Which operation of S3 a request asks for, by AWS's own model: method, path, query, and the header that makes a put a copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from moto.core.utils import get_service_model

from infra.local.core.refused import Refused
from infra.local.core.request import Request

COPY = "x-amz-copy-source"
VIRTUAL_HOST = re.compile(r"([a-z0-9.-]+?)(?:\.s3(?:\.[a-z0-9-]+)?)?\.localhost")
SIGNATURE = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
             "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token", "x-id"}  # fmt: skip
NO_ROUTE = {"WriteGetObjectResponse"}  # has a host of its own


class Route(NamedTuple):
    """What a request must have in its query, and whether it must name a source to copy."""

    query: frozenset[tuple[str, str]]
    copies: bool
    operation: str
    subresources: frozenset[str]


def bucket_of_host(host: str) -> str:
    """Return the bucket in a virtual host name such as `lake.s3.localhost`, "" where there is none."""
    match = VIRTUAL_HOST.fullmatch(host)
    return match[1] if match else ""


def asked(query: Mapping[str, str]) -> dict[str, str]:
    """Return what a query asks for: without the signature of a presigned URL, and without the operation's name that SDKs add."""
    return {name: value for name, value in query.items() if name not in SIGNATURE}


def without_framing(request: Request) -> None:
    """Take `aws-chunked` from the content encoding: it is how an upload comes, not what is stored."""
    given = request.headers.get("content-encoding")
    if given is None or "aws-chunked" not in given:
        return
    kept = ",".join(each.strip() for each in given.split(",") if each.strip() != "aws-chunked")
    for headers in (request.headers, request.original_headers):
        for name in [name for name in headers if name.lower() == "content-encoding"]:
            del headers[name]
            if kept:
                headers[name] = kept


@lru_cache
def _routes() -> dict[tuple[str, str], list[Route]]:
    """Return method and path (`/`, `/{Bucket}`, `/{Bucket}/{Key+}`) → routes, those that ask for most first."""
    model = get_service_model("s3")
    found: dict[tuple[str, str], list[Route]] = {}
    for name in model.operation_names:
        if name in NO_ROUTE:
            continue
        operation = model.operation_model(name)
        if operation.deprecated:  # PutBucketLifecycle and others: on the same paths as what came after them
            continue
        path, _, query = operation.http["requestUri"].partition("?")
        wanted = {(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part}
        named = frozenset(name for name, value in wanted if not value)
        copies = False
        shape = operation.input_shape
        for member in shape.required_members if shape is not None else ():
            place = shape.members[member].serialization
            if place.get("location") == "querystring":
                wanted.add((place["name"], ""))
            copies = copies or place.get("name", "").lower() == COPY
        found.setdefault((operation.http["method"], path), []).append(Route(frozenset(wanted), copies, name, named))
    for routes in found.values():
        routes.sort(key=lambda route: (len(route.query), route.copies), reverse=True)
    return found


@lru_cache
def _subresources(path: str) -> frozenset[str]:
    """Return what a query may name of a resource instead of itself: `acl`, `policy` …"""
    routes = (route for (_, own), found in _routes().items() if own == path for route in found)
    return frozenset(name for route in routes for name in route.subresources)


def find(method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Return the operation's name, "" where the model has none for it (forms, preflights).

    Raises Refused where the query names something that the method cannot be used on: it is not done to the bucket or the object instead.
    """
    path, copies = "/{Bucket}/{Key+}" if key else "/{Bucket}" if bucket else "/", COPY in headers
    return _matching(method, path, query, copies) if query else _plain(method, path, copies)


def _matching(method: str, path: str, query: Mapping[str, str], copies: bool) -> str:
    for route in _routes().get((method, path), ()):
        if route.copies and not copies:
            continue
        if all(name in query and (not value or query[name] == value) for name, value in route.query):
            if (_subresources(path) & query.keys()) - route.subresources:
                raise Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
            return route.operation
    return ""


@lru_cache(maxsize=64)
def _plain(method: str, path: str, copies: bool) -> str:
    """Return the operation of a request whose query asks for nothing: most of them."""
    return _matching(method, path, {}, copies)

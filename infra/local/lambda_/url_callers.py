"""Who calls a function URL, and whether it may: by its signature (AWS_IAM), or because the URL is open (NONE).

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from __future__ import annotations

import json
from typing import NamedTuple

from infra.local.core import signature
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import authorization, gate, resource_policies
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.records import Function, Json
from infra.profile import NO_SECRET

HELP = "For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
ANONYMOUS = "anonymous"
# Without a class nobody needs a secret; here the account itself signs with the local profile's, or with what is usual on AWS's doubles.
ROOT_SECRETS = (NO_SECRET, "test")


class Asked(NamedTuple):
    """A request to a function URL. Header names are in lower case."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Forbidden(Exception):
    """The URL is not for the caller; the message is the body of the answer 403."""


def account_of(backend: LocalLambdaBackend, function: Function, qualifier: str, config: Json, asked: Asked) -> str:
    """Return the caller's account, "anonymous" at a URL that is open to all.

    Parameters
    ----------
    qualifier: of the alias that the URL is of, "" for the function itself
    config: of the URL

    Raises
    ------
    Forbidden: the signature is missing or wrong, or no policy allows the call
    """
    if config["AuthType"] == "AWS_IAM":
        return _signer(backend, config["FunctionArn"], asked)
    for statement in function.policies.get(qualifier, []):
        wanted = statement.get("Condition", {}).get("StringEquals", {}).get("lambda:FunctionUrlAuthType", "NONE")
        actions = ("lambda:InvokeFunctionUrl", "lambda:*")
        if statement["Principal"] == "*" and statement["Action"] in actions and wanted == "NONE":
            return ANONYMOUS
    raise _not_allowed()


def _not_allowed() -> Forbidden:
    return Forbidden(json.dumps({"Message": f"Forbidden. {HELP}"}))


def _signer(backend: LocalLambdaBackend, arn: str, asked: Asked) -> str:
    """Return the account of who signed a request. Raises Forbidden."""
    try:
        request = _request(asked)
        if not request.signed:
            raise _not_allowed()
        _check_scope(request, backend.region_name)
        request.service = "lambda"
        signature.check_whole(request, asked.body, ROOT_SECRETS)
        caller = gate.known(request)
    except Refused as error:
        raise Forbidden(json.dumps({"message": str(error)})) from None
    if caller is None:  # the account itself
        if request.account != backend.account_id:
            raise _not_allowed()
        return request.account
    policies, owner = resource_policies.of(backend.account_id, backend.region_name, arn)
    given: dict[str, tuple[str, ...]] = {"lambda:functionurlauthtype": ("AWS_IAM",)}
    _, decision = authorization.decide(
        caller, backend.region_name, "lambda:InvokeFunctionUrl", arn, given, policies, owner
    )
    if not decision.allowed:
        raise _not_allowed()
    return request.account


def _check_scope(request: Request, region: str) -> None:
    if request.credential.service != "lambda":
        raise Refused(403, "InvalidSignatureException", "Credential should be scoped to correct service: 'lambda'. ")
    if request.credential.region != region:
        raise Refused(403, "InvalidSignatureException", "Credential should be scoped to a valid region. ")


def _request(asked: Asked) -> Request:
    async def nothing(*_: object) -> dict[str, object]:
        raise ConnectionAbortedError  # the body is here already

    scope = {
        "method": asked.method,
        "raw_path": asked.path.encode("latin-1"),
        "query_string": asked.query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers.items()],
    }
    return Request(scope, nothing, nothing)  # type: ignore[arg-type]

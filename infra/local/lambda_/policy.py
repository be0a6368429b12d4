"""Resource policies of functions, their versions and aliases: who may invoke.

Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, conflict, invalid, missing
from infra.local.lambda_.records import LATEST, Function, Json, new_id

POLICY_LIMIT = 20480  # bytes
SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")
ACCOUNT = re.compile(r"\d{12}")
ARN = re.compile(r"arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:.+")


def taken(statement_id: str) -> LambdaError:
    return conflict(
        f"The statement id ({statement_id}) provided already exists. Please provide a new statement id, or remove the "
        "existing statement."
    )


def _place(backend: LocalLambdaBackend, given: Json) -> tuple[Function, str]:
    """Return a function and the qualifier whose policy is meant."""
    function, version, asked = backend.version(given["FunctionName"], given.get("Qualifier"))
    if asked == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    return function, asked


def _check_revision(function: Function, qualifier: str, given: Json) -> None:
    revision = function.policy_revisions.get(qualifier, "")
    if given.get("RevisionId") and given["RevisionId"] != revision:
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest "
            "Revision Id",
        )


def _principal(who: str) -> Any:
    if who == "*":
        return "*"
    if ACCOUNT.fullmatch(who):
        return {"AWS": f"arn:aws:iam::{who}:root"}
    if ARN.fullmatch(who):
        return {"AWS": who}
    if SERVICE.fullmatch(who):
        return {"Service": who}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def add(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    _check_revision(function, qualifier, given)
    statements = function.policies.get(qualifier, [])
    if any(statement["Sid"] == given["StatementId"] for statement in statements):
        raise taken(given["StatementId"])
    statement: Json = {
        "Sid": given["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(given["Principal"]),
        "Action": given["Action"],
        "Resource": backend.arn(function.name, qualifier),
    }
    equal = {
        key: given[member]
        for member, key in (
            ("SourceAccount", "AWS:SourceAccount"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("EventSourceToken", "lambda:EventSourceToken"),
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
        )
        if given.get(member)
    }
    condition: Json = {"StringEquals": equal} if equal else {}
    if given.get("SourceArn"):
        condition["ArnLike"] = {"AWS:SourceArn": given["SourceArn"]}
    if given.get("InvokedViaFunctionUrl"):
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true"}
    if condition:
        statement["Condition"] = condition
    if len(document([*statements, statement]).encode()) > POLICY_LIMIT:
        raise LambdaError(
            "PolicyLengthExceededException", f"The final policy size ({POLICY_LIMIT}) is bigger than the limit."
        )
    function.policies[qualifier] = [*statements, statement]
    function.policy_revisions[qualifier] = new_id()
    return {"Statement": json.dumps(statement, separators=(",", ":"))}


def document(statements: list[Json]) -> str:
    """Return a policy as its text."""
    return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}, separators=(",", ":"))


def remove(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    statements = function.policies.get(qualifier)
    if not statements:
        raise missing("No policy is associated with the given resource.")
    kept = [statement for statement in statements if statement["Sid"] != given["StatementId"]]
    if len(kept) == len(statements):
        raise missing(f"Statement {given['StatementId']} is not found in resource policy.")
    _check_revision(function, qualifier, given)
    if kept:
        function.policies[qualifier] = kept
        function.policy_revisions[qualifier] = new_id()
    else:
        del function.policies[qualifier]
        function.policy_revisions.pop(qualifier, None)
    return {}


def get(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    statements = function.policies.get(qualifier)
    if not statements:
        raise missing("The resource you requested does not exist.")
    return {"Policy": document(statements), "RevisionId": function.policy_revisions[qualifier]}


OPERATIONS: dict[str, Any] = {"AddPermission": add, "GetPolicy": get, "RemovePermission": remove}

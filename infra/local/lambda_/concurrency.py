"""How many events of a function may run at a time, whether it may come back to itself, and what the account may have.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from typing import Any

from infra.local.lambda_ import code, pool
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import invalid
from infra.local.lambda_.records import Json


def put_concurrency(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    others = sum(each.reserved or 0 for each in backend.functions.values() if each is not function)
    if pool.ACCOUNT_CONCURRENCY - others - given["ReservedConcurrentExecutions"] < pool.UNRESERVED_MINIMUM:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
            f"its minimum value of [{pool.UNRESERVED_MINIMUM}]."
        )
    function.reserved = given["ReservedConcurrentExecutions"]
    return {"ReservedConcurrentExecutions": function.reserved}


def get_concurrency(backend: LocalLambdaBackend, given: Json) -> Json:
    reserved = backend.unqualified(given["FunctionName"]).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_concurrency(backend: LocalLambdaBackend, given: Json) -> Json:
    backend.unqualified(given["FunctionName"]).reserved = None
    return {}


def put_recursion(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    function.recursion = given["RecursiveLoop"]
    return {"RecursiveLoop": function.recursion}


def get_recursion(backend: LocalLambdaBackend, given: Json) -> Json:
    return {"RecursiveLoop": backend.unqualified(given["FunctionName"]).recursion}


def account_settings(backend: LocalLambdaBackend, given: Json) -> Json:
    versions = [v for f in backend.functions.values() for v in (f.latest, *f.versions.values())]
    return {
        "AccountLimit": {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": code.UNZIPPED_LIMIT,
            "CodeSizeZipped": code.ZIP_LIMIT,
            "ConcurrentExecutions": pool.ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": pool.ACCOUNT_CONCURRENCY
            - sum(each.reserved or 0 for each in backend.functions.values()),
        },
        "AccountUsage": {
            "TotalCodeSize": sum(version.configuration["CodeSize"] for version in versions),
            "FunctionCount": len(backend.functions),
        },
    }


OPERATIONS: dict[str, Any] = {
    "DeleteFunctionConcurrency": delete_concurrency,
    "GetAccountSettings": account_settings,
    "GetFunctionConcurrency": get_concurrency,
    "GetFunctionRecursionConfig": get_recursion,
    "PutFunctionConcurrency": put_concurrency,
    "PutFunctionRecursionConfig": put_recursion,
}

"""The workgroup that a request is about, where it names a query by its id only."""

from __future__ import annotations

from typing import Any

from moto.athena.models import athena_backends

from infra.local.athena.api.executions import store

_EXECUTIONS = ("QueryExecutionId", "QueryExecutionIds")
_NAMED = ("NamedQueryId", "NamedQueryIds")


def resources(request: Any) -> list[str] | None:
    """Return the ARNs of the workgroups of a request's queries, None for a request that names no query."""
    executions, named = _ids(request.parameters, _EXECUTIONS), _ids(request.parameters, _NAMED)
    if not executions and not named:
        return None
    known = store(request.account, request.region)
    groups = [found.workgroup for each in executions if (found := known.get(each)) is not None]
    saved = athena_backends[request.account][request.region].named_queries
    groups += [_name(saved[each].workgroup) for each in named if each in saved]
    return [request.arn(f"workgroup/{group}") for group in dict.fromkeys(groups or ["primary"])]


def _ids(parameters: Any, names: tuple[str, str]) -> list[str]:
    one, several = parameters.get(names[0]), parameters.get(names[1])
    listed = several if isinstance(several, list) else []
    return [each for each in [one, *listed] if isinstance(each, str)]


def _name(workgroup: Any) -> str:
    return getattr(workgroup, "name", None) or str(workgroup)

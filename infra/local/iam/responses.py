"""The operations of IAM that moto lacks."""

from __future__ import annotations

import itertools
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.responses import IamResponse

from infra.local.iam import simulation
from infra.local.iam.backend import LocalIAMBackend, place_of
from infra.local.iam.simulation import Simulation

PAGE = 1000
USERS = 100  # of a page, unless MaxItems says another number
MEMBERS = (
    "PolicySourceArn",
    "PolicyInputList",
    "PermissionsBoundaryPolicyInputList",
    "ActionNames",
    "ResourceArns",
    "ResourcePolicy",
    "CallerArn",
    "ContextEntries",
)


class LocalIamResponse(IamResponse):
    @property
    def local(self) -> LocalIAMBackend:
        return self.backend  # type: ignore[return-value]

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        value = super()._get_param(param_name, if_none)
        if param_name == "Marker":
            place_of(value)  # moto takes it as a number, unseen
        return value

    def put_user_permissions_boundary(self) -> ActionResult:
        self.local.put_user_permissions_boundary(self._get_param("UserName"), self._get_param("PermissionsBoundary"))
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        self.local.delete_user_permissions_boundary(self._get_param("UserName"))
        return EmptyResult()

    def list_users(self) -> ActionResult:
        """Answer a page of users, by name. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html"""
        prefix, users = self._get_param("PathPrefix") or "/", self.local.users
        start, size = place_of(self._get_param("Marker")), int(self._get_param("MaxItems") or USERS)
        in_order = (dict.__getitem__(users, name) for name in users.in_order())  # type: ignore[attr-defined]
        found = (user for user in in_order if user.path.startswith(prefix))
        page = list(itertools.islice(found, start, start + size + 1))
        answer: dict[str, Any] = {"Users": page[:size], "IsTruncated": len(page) > size}
        if len(page) > size:
            answer["Marker"] = str(start + size)
        return ActionResult(answer)

    def simulate_principal_policy(self) -> ActionResult:
        return self._simulated(simulation.of_principal(self.current_account, self._given()))

    def simulate_custom_policy(self) -> ActionResult:
        return self._simulated(simulation.of_custom(self.current_account, self._given()))

    def _given(self) -> dict[str, Any]:
        return {name: self._get_param(name) for name in MEMBERS}

    def _simulated(self, asked: Simulation) -> ActionResult:
        results, start = asked.results(), place_of(self._get_param("Marker"))
        size = int(self._get_param("MaxItems") or PAGE)
        answer: dict[str, Any] = {"EvaluationResults": results[start : start + size], "IsTruncated": False}
        if start + size < len(results):
            answer |= {"IsTruncated": True, "Marker": str(start + size)}
        return ActionResult(answer)


RESPONSE = LocalIamResponse

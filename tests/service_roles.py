"""Roles for services: each may do all, unless a test says what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements; they allow, unless they say otherwise."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def service_role(
    client: Callable[..., Any], service: str, name: str = "", may: tuple[dict[str, Any], ...] | None = None
) -> str:
    """Make a role that a service may assume; return its ARN. `may`: statements in place of all rights."""
    iam, name = client("iam"), name or service
    trust = policy({"Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    put_rights(client, name, *(({"Action": "*", "Resource": "*"},) if may is None else may))
    return arn


def put_rights(client: Callable[..., Any], role: str, *statements: dict[str, Any]) -> None:
    """Give a role these rights and no others."""
    iam = client("iam")
    if statements:
        iam.put_role_policy(RoleName=role, PolicyName="rights", PolicyDocument=policy(*statements))
    elif "rights" in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName="rights")

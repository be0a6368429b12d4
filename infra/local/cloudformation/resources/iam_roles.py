"""Resource types of IAM: roles and instance profiles.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_IAM.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.iam_policies import ROLE, clear_policies, set_policies
from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    created_tags,
    document,
    missing_is_fine,
    picked,
    retag,
)

Properties = dict[str, Any]


class Role(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        parameters = picked(properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary")
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
            **parameters,
            **created_tags("iam", properties, context),
        )
        context.made(name)
        set_policies(context.client("iam"), ROLE, name, properties, {})

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        iam.update_assume_role_policy(
            RoleName=physical_id, PolicyDocument=document(properties["AssumeRolePolicyDocument"])
        )
        if any(properties.get(key) != old.get(key) for key in ("Description", "MaxSessionDuration")):
            iam.update_role(
                RoleName=physical_id,
                Description=properties.get("Description", ""),
                MaxSessionDuration=properties.get("MaxSessionDuration", 3600),
            )
        if properties.get("PermissionsBoundary") != old.get("PermissionsBoundary"):
            if "PermissionsBoundary" in properties:
                iam.put_role_permissions_boundary(
                    RoleName=physical_id, PermissionsBoundary=properties["PermissionsBoundary"]
                )
            else:
                iam.delete_role_permissions_boundary(RoleName=physical_id)
        set_policies(iam, ROLE, physical_id, properties, old)
        retag("iam", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        clear_policies(iam, ROLE, physical_id, properties)
        iam.delete_role(RoleName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        role = context.client("iam").get_role(RoleName=physical_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


class InstanceProfile(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        iam.create_instance_profile(InstanceProfileName=name, **picked(properties, "Path"))
        context.made(name)
        for role in properties["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        for role in old["Roles"]:
            iam.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        for role in properties["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=physical_id, RoleName=role)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for role in properties["Roles"]:
            with missing_is_fine():
                iam.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        iam.delete_instance_profile(InstanceProfileName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        path = properties.get("Path", "/")
        return {"Arn": f"arn:aws:iam::{context.account}:instance-profile{path}{physical_id}"}


TYPES: dict[str, ResourceType] = {
    "AWS::IAM::InstanceProfile": InstanceProfile(),
    "AWS::IAM::Role": Role(),
}

"""Resource types of IAM: users, groups and access keys.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_IAM.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.iam_policies import GROUP, USER, clear_policies, set_policies
from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    as_tag_list,
    created_tags,
    missing_is_fine,
    picked,
    tags_changed,
)

Properties = dict[str, Any]


class User(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        iam.create_user(UserName=name, **picked(properties, "Path"), **created_tags("iam", properties, context))
        context.made(name)
        self._configure(context, name, properties, {})

    def _configure(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        set_policies(iam, USER, name, properties, old)
        for group in old.get("Groups", []):
            if group not in properties.get("Groups", []):
                with missing_is_fine():
                    iam.remove_user_from_group(GroupName=group, UserName=name)
        for group in properties.get("Groups", []):
            iam.add_user_to_group(GroupName=group, UserName=name)
        profile, before = properties.get("LoginProfile"), old.get("LoginProfile")
        if profile != before and profile:
            call = iam.update_login_profile if before else iam.create_login_profile
            call(UserName=name, **picked(profile, "Password", "PasswordResetRequired"))
        elif before and not profile:
            with missing_is_fine():
                iam.delete_login_profile(UserName=name)
        boundary = properties.get("PermissionsBoundary")
        if boundary and boundary != old.get("PermissionsBoundary"):
            iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
        elif not boundary and "PermissionsBoundary" in old:
            iam.delete_user_permissions_boundary(UserName=name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        if properties.get("Path", "/") != old.get("Path", "/"):
            iam.update_user(UserName=physical_id, NewPath=properties.get("Path", "/"))
        self._configure(context, physical_id, properties, old)
        gone, added = tags_changed(properties, old, context)
        if gone:
            iam.untag_user(UserName=physical_id, TagKeys=gone)
        if added:
            iam.tag_user(UserName=physical_id, Tags=as_tag_list(added))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        with missing_is_fine():
            self._configure(context, physical_id, {}, {**properties, "Policies": [], "ManagedPolicyArns": []})
        clear_policies(iam, USER, physical_id, properties)
        iam.delete_user(UserName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.client("iam").get_user(UserName=physical_id)["User"]["Arn"]}


class Group(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        iam.create_group(GroupName=name, **picked(properties, "Path"))
        context.made(name)
        set_policies(iam, GROUP, name, properties, {})

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        if properties.get("Path", "/") != old.get("Path", "/"):
            iam.update_group(GroupName=physical_id, NewPath=properties.get("Path", "/"))
        set_policies(iam, GROUP, physical_id, properties, old)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        clear_policies(iam, GROUP, physical_id, properties)
        iam.delete_group(GroupName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.client("iam").get_group(GroupName=physical_id)["Group"]["Arn"]}


class UserToGroupAddition(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # GroupName is the group's

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._add(context, properties, {})

    def _add(self, context: Context, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        wanted = [(properties["GroupName"], user) for user in properties["Users"]] if properties else []
        for group, user in [(old["GroupName"], user) for user in old["Users"]] if old else []:
            if (group, user) not in wanted:
                with missing_is_fine():
                    iam.remove_user_from_group(GroupName=group, UserName=user)
        for group, user in wanted:
            iam.add_user_to_group(GroupName=group, UserName=user)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._add(context, properties, old)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._add(context, {}, properties)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class AccessKey(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # UserName is the user's

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        key = iam.create_access_key(UserName=properties["UserName"])["AccessKey"]
        context.remember(SecretAccessKey=key["SecretAccessKey"])  # IAM shows it once
        context.made(key["AccessKeyId"])
        if properties.get("Status", "Active") != "Active":
            self.update(context, key["AccessKeyId"], properties, {})

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("iam").update_access_key(
            UserName=properties["UserName"], AccessKeyId=physical_id, Status=properties.get("Status", "Active")
        )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("iam").delete_access_key(UserName=properties["UserName"], AccessKeyId=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id, "SecretAccessKey": context.memory["SecretAccessKey"]}


TYPES: dict[str, ResourceType] = {
    "AWS::IAM::AccessKey": AccessKey(),
    "AWS::IAM::Group": Group(),
    "AWS::IAM::User": User(),
    "AWS::IAM::UserToGroupAddition": UserToGroupAddition(),
}

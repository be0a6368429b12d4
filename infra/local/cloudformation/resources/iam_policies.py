"""Resource types of IAM: inline and managed policies.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_IAM.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, document, missing_is_fine, picked

Properties = dict[str, Any]


ROLE, USER, GROUP = ("role", "RoleName"), ("user", "UserName"), ("group", "GroupName")
HOLDERS = (("Roles", *ROLE), ("Users", *USER), ("Groups", *GROUP))


def set_policies(iam: Any, holder: tuple[str, str], name: str, properties: Properties, old: Properties) -> None:
    """Give a role, user or group the inline and managed policies of its properties, and take away those of the old ones."""
    kind, parameter = holder
    which = {parameter: name}
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
    for policy in old.get("Policies", []):
        if policy["PolicyName"] not in inline:
            getattr(iam, f"delete_{kind}_policy")(**which, PolicyName=policy["PolicyName"])
    for policy_name, text in inline.items():
        getattr(iam, f"put_{kind}_policy")(**which, PolicyName=policy_name, PolicyDocument=document(text))
    attached, before = properties.get("ManagedPolicyArns", []), old.get("ManagedPolicyArns", [])
    for arn in before:
        if arn not in attached:
            getattr(iam, f"detach_{kind}_policy")(**which, PolicyArn=arn)
    for arn in attached:
        if arn not in before:
            getattr(iam, f"attach_{kind}_policy")(**which, PolicyArn=arn)


def clear_policies(iam: Any, holder: tuple[str, str], name: str, properties: Properties) -> None:
    """Take away the policies that a role, user or group got from its properties, before it is deleted."""
    kind, parameter = holder
    for policy in properties.get("Policies", []):
        with missing_is_fine():
            getattr(iam, f"delete_{kind}_policy")(**{parameter: name}, PolicyName=policy["PolicyName"])
    for arn in properties.get("ManagedPolicyArns", []):
        with missing_is_fine():
            getattr(iam, f"detach_{kind}_policy")(**{parameter: name}, PolicyArn=arn)


class Policy(ResourceType):
    """An inline policy, put into each role, user and group that it names."""

    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # PolicyName is its name within a role, not its physical id

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._put(context, properties)

    def _put(self, context: Context, properties: Properties) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            for holder in properties.get(key, []):
                getattr(iam, f"put_{kind}_policy")(
                    **{parameter: holder},
                    PolicyName=properties["PolicyName"],
                    PolicyDocument=document(properties["PolicyDocument"]),
                )

    def _take(self, context: Context, properties: Properties, kept: set[tuple[str, str, str]]) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            for holder in properties.get(key, []):
                if (key, holder, properties["PolicyName"]) not in kept:
                    with missing_is_fine():
                        getattr(iam, f"delete_{kind}_policy")(
                            **{parameter: holder}, PolicyName=properties["PolicyName"]
                        )

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._put(context, properties)
        kept = {(key, holder, properties["PolicyName"]) for key, _, _ in HOLDERS for holder in properties.get(key, [])}
        self._take(context, old, kept)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._take(context, properties, set())

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class ManagedPolicy(ResourceType):
    name_length = 128

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return f"arn:aws:iam::{context.account}:policy{properties.get('Path', '/')}{name}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        arn = context.client("iam").create_policy(
            PolicyName=name,
            PolicyDocument=document(properties["PolicyDocument"]),
            **picked(properties, "Path", "Description"),
        )["Policy"]["Arn"]
        context.made(arn)
        self._attach(context, arn, properties, {})

    def _attach(self, context: Context, arn: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            now, before = properties.get(key, []), old.get(key, [])
            for holder in before:
                if holder not in now:
                    with missing_is_fine():
                        getattr(iam, f"detach_{kind}_policy")(**{parameter: holder}, PolicyArn=arn)
            for holder in now:
                if holder not in before:
                    getattr(iam, f"attach_{kind}_policy")(**{parameter: holder}, PolicyArn=arn)

    def _old_versions(self, context: Context, arn: str) -> list[str]:
        versions = context.client("iam").list_policy_versions(PolicyArn=arn)["Versions"]
        return [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        if properties["PolicyDocument"] != old["PolicyDocument"]:
            for version in self._old_versions(context, physical_id):
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version)
            iam.create_policy_version(
                PolicyArn=physical_id, PolicyDocument=document(properties["PolicyDocument"]), SetAsDefault=True
            )
        self._attach(context, physical_id, properties, old)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        self._attach(context, physical_id, {}, properties)
        for version in self._old_versions(context, physical_id):
            iam.delete_policy_version(PolicyArn=physical_id, VersionId=version)
        iam.delete_policy(PolicyArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        policy = context.client("iam").get_policy(PolicyArn=physical_id)["Policy"]
        return {
            "PolicyArn": physical_id,
            "PolicyId": policy["PolicyId"],
            "DefaultVersionId": policy["DefaultVersionId"],
        }


TYPES: dict[str, ResourceType] = {
    "AWS::IAM::ManagedPolicy": ManagedPolicy(),
    "AWS::IAM::Policy": Policy(),
}

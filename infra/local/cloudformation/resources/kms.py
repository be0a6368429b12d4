"""Resource types of Key Management Service.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_KMS.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.declared import Declared
from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    document,
    picked,
    retag,
)

Properties = dict[str, Any]

#: What a key is for all its life, with KMS's defaults.
UNCHANGEABLE = {
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "MultiRegion": False,
    "Origin": "AWS_KMS",
}


class Key(ResourceType):
    """A key; Ref gives its id. Deleting it schedules its deletion.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-key.html
    """

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None  # KMS chooses it

    def create(self, context: Context, name: str, properties: Properties) -> None:
        parameters = picked(properties, "BypassPolicyLockoutSafetyCheck", "Description", *UNCHANGEABLE)
        if "KeyPolicy" in properties:
            parameters["Policy"] = document(properties["KeyPolicy"])
        parameters |= created_tags("kms", properties, context)
        key_id = context.client("kms").create_key(**parameters)["KeyMetadata"]["KeyId"]
        context.made(key_id)
        self._configure(context, key_id, properties, {})

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        kms = context.client("kms")
        key = kms.describe_key(KeyId=physical_id)["KeyMetadata"]  # not `old`: a rollback compares with what was refused
        if any(properties.get(name, default) != key.get(name, default) for name, default in UNCHANGEABLE.items()):
            raise ResourceFailure(
                f"Resource of type '{context.resource_type}' with identifier '{physical_id}' "
                "is not updatable with parameters provided."
            )
        if properties.get("Description", "") != old.get("Description", ""):
            kms.update_key_description(KeyId=physical_id, Description=properties.get("Description", ""))
        if "KeyPolicy" in properties and properties["KeyPolicy"] != old.get("KeyPolicy"):
            kms.put_key_policy(KeyId=physical_id, PolicyName="default", Policy=document(properties["KeyPolicy"]))
        self._configure(context, physical_id, properties, old)
        retag("kms", physical_id, properties, old, context)

    def _configure(self, context: Context, key_id: str, properties: Properties, old: Properties) -> None:
        """Set rotation and state: a key must be enabled while its rotation changes."""
        kms = context.client("kms")
        is_enabled, was_enabled = properties.get("Enabled", True), old.get("Enabled", True)
        if is_enabled and not was_enabled:
            kms.enable_key(KeyId=key_id)
        rotates, rotated = properties.get("EnableKeyRotation", False), old.get("EnableKeyRotation", False)
        period = picked(properties, "RotationPeriodInDays")
        if rotates and (not rotated or period != picked(old, "RotationPeriodInDays")):
            kms.enable_key_rotation(KeyId=key_id, **period)
        elif rotated and not rotates:
            kms.disable_key_rotation(KeyId=key_id)
        if was_enabled and not is_enabled:
            kms.disable_key(KeyId=key_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("kms").schedule_key_deletion(KeyId=physical_id, **picked(properties, "PendingWindowInDays"))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("kms", f"key/{physical_id}"), "KeyId": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::KMS::Alias": Declared(
        "kms",
        "alias",
        lambda name, given, _: given,
        named=lambda given: given["AliasName"],
        deleted="AliasName",
    ),
    "AWS::KMS::Key": Key(),
}

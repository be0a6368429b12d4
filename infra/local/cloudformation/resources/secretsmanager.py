"""Resource types of Secrets Manager.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_SecretsManager.html
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    is_missing,
    picked,
    retag,
    without,
)

Properties = dict[str, Any]


class Secret(ResourceType):
    supported = frozenset({"Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags"})

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        try:
            return str(context.client("secretsmanager").describe_secret(SecretId=name)["ARN"])
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _value(self, context: Context, properties: Properties) -> Properties:
        """Return the parameter with the secret: given, or made."""
        if "GenerateSecretString" not in properties:
            return picked(properties, "SecretString")
        if "SecretString" in properties:
            raise ResourceFailure("You can't specify both SecretString and GenerateSecretString.")
        wanted = properties["GenerateSecretString"]
        form, key = wanted.get("SecretStringTemplate"), wanted.get("GenerateStringKey")
        if (form is None) != (key is None):
            raise ResourceFailure("SecretStringTemplate and GenerateStringKey must be given together.")
        made = context.client("secretsmanager").get_random_password(
            **without(wanted, "SecretStringTemplate", "GenerateStringKey")
        )["RandomPassword"]
        if form is None:
            return {"SecretString": made}
        try:
            fields = json.loads(form)
        except ValueError:
            raise ResourceFailure("SecretStringTemplate is no JSON.") from None
        return {"SecretString": json.dumps({**fields, key: made})}

    def create(self, context: Context, name: str, properties: Properties) -> None:
        arn = context.client("secretsmanager").create_secret(
            Name=name,
            **picked(properties, "Description", "KmsKeyId"),
            **self._value(context, properties),
            **created_tags("secretsmanager", properties, context),
        )["ARN"]
        context.made(arn)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        is_changed = any(properties.get(name) != old.get(name) for name in ("SecretString", "GenerateSecretString"))
        context.client("secretsmanager").update_secret(
            SecretId=physical_id,
            Description=properties.get("Description", ""),
            **picked(properties, "KmsKeyId"),
            **(self._value(context, properties) if is_changed else {}),
        )
        retag("secretsmanager", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("secretsmanager").delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {"AWS::SecretsManager::Secret": Secret()}

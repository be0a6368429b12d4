"""Keys and aliases of KMS in stacks: made, changed in place, refused, deleted after their window."""

import json

from tests.local.cloudformation.stack_lab import events, reason_of

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
}


def template(alias: str = "alias/lake", **key: object) -> dict:
    return {
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"PendingWindowInDays": 7, "KeyPolicy": POLICY, **key}},
            "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": alias, "TargetKeyId": {"Ref": "Key"}}},
        },
        "Outputs": {
            "Id": {"Value": {"Fn::GetAtt": ["Key", "KeyId"]}},
            "Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}},
            "Alias": {"Value": {"Ref": "Alias"}},
        },
    }


def test_a_key_and_its_alias_are_made_changed_and_deleted(client, cloudformation, create, update):
    kms = client("kms")
    tags = [{"Key": "team", "Value": "lake"}]
    _, status = create("s", template(Description="first", EnableKeyRotation=True, Tags=tags))
    assert status == "CREATE_COMPLETE"
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    key = kms.describe_key(KeyId=outputs["Alias"])["KeyMetadata"]
    assert (key["KeyId"], key["Arn"], key["Description"]) == (outputs["Id"], outputs["Arn"], "first")
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]) == POLICY
    assert {"TagKey": "team", "TagValue": "lake"} in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]

    assert update("s", template("alias/other", Description="second", Enabled=False)) == "UPDATE_COMPLETE", events(
        cloudformation, "s"
    )
    aliases = {a["AliasName"]: a.get("TargetKeyId") for a in kms.list_aliases()["Aliases"]}
    assert aliases["alias/other"] == key["KeyId"] and "alias/lake" not in aliases
    changed = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert (changed["Description"], changed["KeyState"]) == ("second", "Disabled")
    assert not kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert "team" not in {tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}

    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 0.1})
    gone = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert gone["KeyState"] == "PendingDeletion"
    assert 6 <= (gone["DeletionDate"] - key["CreationDate"]).days <= 7


def test_the_use_of_a_key_cannot_change(cloudformation, create, update):
    create("s", template())
    assert update("s", template(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "is not updatable with parameters provided" in reason_of(cloudformation, "s", "Key", "UPDATE_FAILED")

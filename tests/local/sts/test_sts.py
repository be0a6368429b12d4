"""AWS STS: trust policies decide, sessions have names, limits and an end, and outlive kill -9."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def _trusting(principal: dict[str, Any], **more: Any) -> str:
    return _document(Principal=principal, Action="sts:AssumeRole", **more)


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


@pytest.fixture
def role(client: Callable[..., Any], account: str) -> Callable[..., str]:
    def make(name: str, principal: dict[str, Any] | None = None, **more: Any) -> str:
        trust = _trusting(principal or {"AWS": account}, **more)
        return client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    return make


@pytest.fixture
def with_keys(server: Any) -> Callable[..., Any]:
    def make(service: str, keys: dict[str, str]) -> Any:
        return boto3.client(
            service,
            endpoint_url=server.endpoint,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def test_a_session_says_who_it_is(client, account, role, with_keys) -> None:
    arn = role("worker")
    answer = client("sts").assume_role(RoleArn=arn, RoleSessionName="s1", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/worker/s1"
    assert with_keys("sts", answer["Credentials"]).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:root"
    assert client("sts").get_access_key_info(AccessKeyId=answer["Credentials"]["AccessKeyId"])["Account"] == account


def test_a_role_that_is_not_there_or_trusts_others(client, account, role) -> None:
    for arn in (f"arn:aws:iam::{account}:role/nobody", role("of-glue", {"Service": "glue.amazonaws.com"})):
        with pytest.raises(ClientError) as error:
            client("sts").assume_role(RoleArn=arn, RoleSessionName="me")
        assert _code(error) == "AccessDenied"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert error.value.response["Error"]["Message"] == (
            f"User: arn:aws:iam::{account}:root is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )


def test_conditions_of_a_trust_policy(client, account, role) -> None:
    arn = role("partner", Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        client("sts").assume_role(RoleArn=arn, RoleSessionName="me")
    with pytest.raises(ClientError, match="AccessDenied"):
        client("sts").assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="other")
    assert client("sts").assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="secret")["Credentials"]


def test_a_user_needs_a_policy_or_to_be_named(client, account, role, with_keys) -> None:
    iam = client("iam")
    user = iam.create_user(UserName="ana")["User"]["Arn"]
    keys = iam.create_access_key(UserName="ana")["AccessKey"]
    sts = with_keys("sts", keys)
    of_account, of_ana = role("of-account"), role("of-ana", {"AWS": user})
    assert sts.assume_role(RoleArn=of_ana, RoleSessionName="me")["Credentials"]
    with pytest.raises(ClientError) as error:
        sts.assume_role(RoleArn=of_account, RoleSessionName="me")
    assert error.value.response["Error"]["Message"] == (
        f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {of_account} "
        "because no identity-based policy allows the sts:AssumeRole action"
    )
    policy = _document(Action="sts:AssumeRole", Resource=of_account)
    iam.put_user_policy(UserName="ana", PolicyName="assume", PolicyDocument=policy)
    assert sts.assume_role(RoleArn=of_account, RoleSessionName="me")["Credentials"]


def test_a_role_of_another_account(server, client, account, role) -> None:
    other = "9" + account[1:]
    arn = role("visited", {"AWS": f"arn:aws:iam::{other}:root"})
    visitor = server.client("sts", other)
    assert visitor.assume_role(RoleArn=arn, RoleSessionName="me")["AssumedRoleUser"]["Arn"].split(":")[4] == account
    with pytest.raises(ClientError, match="AccessDenied"):
        visitor.assume_role(RoleArn=role("private"), RoleSessionName="me")
    with pytest.raises(ClientError, match="AccessDenied"):
        client("sts").assume_role(RoleArn=arn, RoleSessionName="me")


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"DurationSeconds": 43_201}, "ValidationError", "less than or equal to 43200"),
        ({"DurationSeconds": 7200}, "ValidationError", "exceeds the MaxSessionDuration set for this role"),
        ({"Policy": "{"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]}, "ValidationError", "does not exist"),
        ({"Policy": _document(Action="s3:*", Resource="x" * 2048)}, "PackedPolicyTooLarge", "of the allotted space"),
    ],
    ids=["long", "longer than the role", "no policy", "unknown policy", "large policy"],
)
def test_what_a_session_cannot_have(client, role, more: dict[str, Any], code: str, message: str) -> None:
    arn = role("worker")
    with pytest.raises(ClientError, match=message) as error:
        client("sts").assume_role(RoleArn=arn, RoleSessionName="me", **more)
    assert _code(error) == code


def test_a_chained_session_lasts_an_hour(client, account, role, with_keys) -> None:
    arn = role("worker")
    client("iam").update_role(RoleName="worker", MaxSessionDuration=7200)
    client("iam").put_role_policy(
        RoleName="worker", PolicyName="again", PolicyDocument=_document(Action="sts:AssumeRole", Resource=arn)
    )
    first = client("sts").assume_role(RoleArn=arn, RoleSessionName="one", DurationSeconds=7200)["Credentials"]
    chained = with_keys("sts", first)
    assert chained.assume_role(RoleArn=arn, RoleSessionName="two", DurationSeconds=3600)["Credentials"]
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chaining"):
        chained.assume_role(RoleArn=arn, RoleSessionName="two", DurationSeconds=3601)


def test_tokens_of_a_user(client, account, with_keys) -> None:
    user = client("iam").create_user(UserName="ana")["User"]["Arn"]
    keys = client("iam").create_access_key(UserName="ana")["AccessKey"]
    token = with_keys("sts", keys).get_session_token()["Credentials"]
    assert with_keys("sts", token).get_caller_identity()["Arn"] == user
    with pytest.raises(ClientError, match="no identity-based policy allows the sts:GetFederationToken action"):
        with_keys("sts", keys).get_federation_token(Name="guest")
    client("iam").put_user_policy(
        UserName="ana", PolicyName="invite", PolicyDocument=_document(Action="sts:GetFederationToken", Resource="*")
    )
    federated = with_keys("sts", keys).get_federation_token(Name="guest")
    assert federated["FederatedUser"]["Arn"] == f"arn:aws:sts::{account}:federated-user/guest"
    assert with_keys("sts", federated["Credentials"]).get_caller_identity()["Arn"].endswith("federated-user/guest")
    with pytest.raises(ClientError, match="Cannot call GetSessionToken with session credentials"):
        with_keys("sts", token).get_session_token()


def test_a_session_outlives_kill_9(own_server) -> None:
    account = "200000009001"
    trust = _trusting({"AWS": account})
    arn = own_server.client("iam", account).create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"][
        "Arn"
    ]
    made = own_server.client("sts", account).assume_role(RoleArn=arn, RoleSessionName="me")
    own_server.kill()
    own_server.restart()
    keys = made["Credentials"]
    again = boto3.client(
        "sts",
        endpoint_url=own_server.endpoint,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert again.get_caller_identity()["Arn"] == made["AssumedRoleUser"]["Arn"]

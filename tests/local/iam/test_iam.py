"""AWS IAM: AWS's own policies, quotas, malformed documents, and simulations by the evaluator that decides requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service_roles import policy, put_rights, service_role

GLUE = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"


def refusal(call: Callable[..., Any], **given: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


@pytest.fixture
def iam(client: Callable[..., Any]) -> Any:
    return client("iam")


def test_a_policy_of_aws_is_attached_and_counts(iam: Any, client: Callable[..., Any]) -> None:
    service_role(client, "glue", may=())
    iam.attach_role_policy(RoleName="glue", PolicyArn=GLUE)
    attached = iam.list_attached_role_policies(RoleName="glue")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSGlueServiceRole", "PolicyArn": GLUE}]
    version = iam.get_policy(PolicyArn=GLUE)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=GLUE, VersionId=version)["PolicyVersion"]["Document"]
    assert "glue:*" in document["Statement"][0]["Action"]
    arn = iam.get_role(RoleName="glue")["Role"]["Arn"]
    found = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["glue:GetTable", "s3:PutObject"])
    assert [each["EvalDecision"] for each in found["EvaluationResults"]] == ["allowed", "implicitDeny"]


def test_all_policies_of_aws_are_listed(iam: Any) -> None:
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS")
    listed = {each["Arn"] for page in pages for each in page["Policies"]}
    assert GLUE in listed and "arn:aws:iam::aws:policy/AdministratorAccess" in listed and len(listed) > 1000
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_pages_of_policies_hold_each_once(iam: Any, client: Callable[..., Any]) -> None:
    service_role(client, "glue", may=())
    iam.attach_role_policy(RoleName="glue", PolicyArn=GLUE)
    document = policy({"Action": "s3:*", "Resource": "*"})
    own = [
        iam.create_policy(PolicyName=f"own{n}", Path="/x/", PolicyDocument=document)["Policy"]["Arn"] for n in range(4)
    ]

    def arns(**wanted: Any) -> list[list[str]]:
        pages = iam.get_paginator("list_policies").paginate(**wanted)
        return [[each["Arn"] for each in page["Policies"]] for page in pages]

    assert arns(Scope="Local", PaginationConfig={"PageSize": 2}) == [own[:2], own[2:]]
    assert arns(PathPrefix="/x/") == [own]
    assert arns(OnlyAttached=True) == [[GLUE]] and arns(Scope="Local", OnlyAttached=True) == [[]]
    every = [arn for page in arns(PaginationConfig={"PageSize": 1000}) for arn in page]
    assert every[:4] == own and len(every) == len(set(every)) and GLUE in every


def test_a_policy_that_is_not_there(iam: Any, client: Callable[..., Any]) -> None:
    service_role(client, "glue")
    for arn in ("arn:aws:iam::aws:policy/NoSuch", "arn:aws:iam::aws:policy/AWSGlueServiceRole"):
        code, status, _ = refusal(iam.attach_role_policy, RoleName="glue", PolicyArn=arn)
        assert (code, status) == ("NoSuchEntity", 404)
        boundary = refusal(iam.put_role_permissions_boundary, RoleName="glue", PermissionsBoundary=arn)
        assert boundary[:2] == ("NoSuchEntity", 404)


def test_quotas(iam: Any, client: Callable[..., Any]) -> None:
    service_role(client, "glue")
    long = policy({"Action": "s3:*", "Resource": "arn:aws:s3:::" + "x" * 6000})
    iam.put_role_policy(RoleName="glue", PolicyName="a", PolicyDocument=long)
    iam.put_role_policy(RoleName="glue", PolicyName="a", PolicyDocument=long)  # in place of itself
    told = refusal(iam.put_role_policy, RoleName="glue", PolicyName="b", PolicyDocument=long)
    assert told == ("LimitExceeded", 409, "Maximum policy size of 10240 bytes exceeded for role glue")
    longer = policy({"Action": "s3:*", "Resource": "arn:aws:s3:::" + "x" * 6144})
    told = refusal(iam.create_policy, PolicyName="p", PolicyDocument=longer)
    assert told == ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
    small = policy({"Action": "s3:*", "Resource": "*"})
    spaced = small.replace(",", "," + " " * 5000)  # white space does not count
    arns = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=spaced)["Policy"]["Arn"] for n in range(11)]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="glue", PolicyArn=arn)
    told = refusal(iam.attach_role_policy, RoleName="glue", PolicyArn=arns[10])
    assert told == ("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerRole: 10")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        '{"Version":"2020-01-01","Statement":[]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Same":{"a:b":"c"}}}]}',
    ],
)
def test_documents_that_are_no_policies(iam: Any, client: Callable[..., Any], document: str) -> None:
    service_role(client, "glue")
    for call, given in (
        (iam.put_role_policy, {"RoleName": "glue", "PolicyName": "p", "PolicyDocument": document}),
        (iam.create_policy, {"PolicyName": "p", "PolicyDocument": document}),
        (iam.update_assume_role_policy, {"RoleName": "glue", "PolicyDocument": document}),
    ):
        assert refusal(call, **given)[:2] == ("MalformedPolicyDocument", 400)


RIGHT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (RIGHT | {"Principal": "*"}, "Policy document should not specify a principal."),
        (
            RIGHT | {"Sid": "a b"},
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),  # fmt: skip
        ({"Effect": "Allow", "Action": "s3:GetObject"}, "Policy statement must contain resources."),
        (RIGHT | {"Resource": "lake"}, 'Resource lake must be in ARN format or "*".'),
    ],
)
def test_statements_that_no_identity_s_policy_has(
    iam: Any, client: Callable[..., Any], statement: dict[str, Any], message: str
) -> None:
    service_role(client, "glue")
    told = refusal(iam.put_role_policy, RoleName="glue", PolicyName="p", PolicyDocument=policy(statement))
    assert told == ("MalformedPolicyDocument", 400, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Principal": None}, "Missing required field Principal"),
        ({"Resource": "*"}, "Has prohibited field Resource"),
        ({"Action": "s3:*"}, "AssumeRole policy may only specify STS AssumeRole actions."),
        ({"Principal": {"Service": "glue"}}, 'Invalid principal in policy: "SERVICE":"glue"'),
        ({"Principal": {"AWS": "ana"}}, 'Invalid principal in policy: "AWS":"ana"'),
    ],
)
def test_statements_that_no_trust_policy_has(iam: Any, change: dict[str, Any], message: str) -> None:
    statement = {name: value for name, value in (TRUST | change).items() if value is not None}
    told = refusal(iam.create_role, RoleName="glue", AssumeRolePolicyDocument=policy(statement))
    assert told == ("MalformedPolicyDocument", 400, message)


def test_a_trust_policy_names_those_that_are_there(iam: Any, account: str) -> None:
    ana = f"arn:aws:iam::{account}:user/staff/ana"
    given = {"RoleName": "r", "AssumeRolePolicyDocument": policy(TRUST | {"Principal": {"AWS": [ana, account]}})}
    told = refusal(iam.create_role, **given)
    assert told == ("MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{ana}"')
    iam.create_user(UserName="ana", Path="/staff/")
    own = iam.create_role(**given)["Role"]["Arn"]
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=policy(TRUST | {"Principal": {"AWS": own}}))


def test_a_simulation_tells_what_matched_and_what_is_missing(iam: Any, client: Callable[..., Any]) -> None:
    arn = service_role(client, "glue", may=())
    put_rights(
        client,
        "glue",
        {"Sid": "A", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"},
        {"Action": "s3:ListBucket", "Resource": "*", "Condition": {"StringLike": {"s3:prefix": "data/*"}}},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/secret/*"},
    )
    found = iam.simulate_principal_policy(
        PolicySourceArn=arn,
        ActionNames=["s3:GetObject", "s3:ListBucket"],
        ResourceArns=["arn:aws:s3:::lake/a", "arn:aws:s3:::lake/secret/b"],
    )["EvaluationResults"]
    assert [(each["EvalActionName"], each["EvalDecision"]) for each in found] == [
        ("s3:GetObject", "allowed"),
        ("s3:GetObject", "explicitDeny"),
        ("s3:ListBucket", "implicitDeny"),
        ("s3:ListBucket", "implicitDeny"),
    ]
    assert found[0]["MatchedStatements"][0]["SourcePolicyId"] == "rights"
    assert len(found[1]["MatchedStatements"]) == 2
    assert found[2]["MissingContextValues"] == ["s3:prefix"]
    given = {"ContextKeyName": "s3:prefix", "ContextKeyValues": ["data/raw"], "ContextKeyType": "string"}
    (with_key,) = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:ListBucket"], ContextEntries=[given]
    )["EvaluationResults"]
    assert (with_key["EvalDecision"], with_key["MissingContextValues"]) == ("allowed", [])


def test_a_boundary_in_a_simulation(iam: Any, client: Callable[..., Any]) -> None:
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="all", PolicyDocument=policy({"Action": "*", "Resource": "*"}))
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=policy({"Action": "s3:*", "Resource": "*"}))
    iam.put_user_permissions_boundary(UserName="ana", PermissionsBoundary=limit["Policy"]["Arn"])
    arn = iam.get_user(UserName="ana")["User"]["Arn"]
    found = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject", "sqs:SendMessage"])
    assert [
        (each["EvalDecision"], each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"])
        for each in found["EvaluationResults"]
    ] == [("allowed", True), ("implicitDeny", False)]


def test_a_custom_policy(iam: Any) -> None:
    text = json.dumps(json.loads(policy({"Action": "s3:*", "Resource": "*"})), indent=1)
    (found,) = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:GetObject"])["EvaluationResults"]
    (matched,) = found["MatchedStatements"]
    assert (found["EvalDecision"], matched["SourcePolicyId"]) == ("allowed", "PolicyInputList.1")
    assert (matched["StartPosition"], matched["EndPosition"]) == ({"Line": 4, "Column": 3}, {"Line": 8, "Column": 4})


def test_simulations_that_cannot_be(iam: Any, account: str) -> None:
    nobody = f"arn:aws:iam::{account}:role/nobody"
    told = refusal(iam.simulate_principal_policy, PolicySourceArn=nobody, ActionNames=["s3:GetObject"])
    assert told == ("NoSuchEntity", 404, "The role with name nobody cannot be found.")
    session = f"arn:aws:sts::{account}:assumed-role/nobody/me"
    told = refusal(iam.simulate_principal_policy, PolicySourceArn=session, ActionNames=["s3:GetObject"])
    assert told[:2] == ("InvalidInput", 400)
    told = refusal(iam.simulate_custom_policy, PolicyInputList=["{"], ActionNames=["s3:GetObject"])
    assert told[:2] == ("InvalidInput", 400)
    told = refusal(iam.simulate_custom_policy, PolicyInputList=[policy()], ActionNames=["s3:Nothing"])
    assert told[0] == "InvalidInput"


def test_policies_of_aws_are_there_whatever_service_was_asked_first(own_server: Any, account: str) -> None:
    own_server.client("ssm", account).put_parameter(Name="/first", Value="v", Type="String")
    service_role(lambda service: own_server.client(service, account), "glue", may=())
    own_server.client("iam", account).attach_role_policy(RoleName="glue", PolicyArn=GLUE)

"""Every request of a user or a role session is checked, and a denial has the words of its service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole"}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", **allow(action, resource, **more)}


class Worker:
    """A role of the test's account and a session of it."""

    def __init__(self, server: Any, account: str, *statements: dict[str, Any], **session: Any):
        self.server, self.account = server, account
        self.iam = server.client("iam", account)
        trust = json.dumps({"Version": "2012-10-17", "Statement": [{**TRUST, "Principal": {"AWS": account}}]})
        self.arn = self.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.may(*statements)
        sts = server.client("sts", account)
        self.keys = sts.assume_role(RoleArn=self.arn, RoleSessionName="me", **session)["Credentials"]

    @property
    def name(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/worker/me"

    def may(self, *statements: dict[str, Any]) -> None:
        if statements:
            self.iam.put_role_policy(RoleName="worker", PolicyName="work", PolicyDocument=_policy(*statements))

    def client(self, service: str, **changed: str) -> Any:
        keys = {**self.keys, **changed}
        return boto3.client(
            service,
            endpoint_url=self.server.endpoint,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture
def worker(server: Any, account: str) -> Callable[..., Worker]:
    return lambda *statements, **session: Worker(server, account, *statements, **session)


def refusal(call: Callable[[], Any]) -> tuple[str, int, str]:
    """Code, HTTP status and message of a call that must fail."""
    with pytest.raises(ClientError) as error:
        call()
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"].get("Message", "")


def _sentence(worker: Worker, action: str, arn: str, shown: str = "") -> str:
    on = f" on resource: {shown or arn}" if arn else ""
    return (
        f"User: {worker.name} is not authorized to perform: {action}{on} "
        f"because no identity-based policy allows the {action} action"
    )


# service, call, code, HTTP status, action, ARN (R region, A account)
DENIALS = [
    ("kinesis", lambda c: c.put_record(StreamName="s", Data=b"x", PartitionKey="p"), "AccessDeniedException", 400,
     "kinesis:PutRecord", "arn:aws:kinesis:R:A:stream/s"),
    ("kinesis", lambda c: c.describe_stream(StreamName="s"), "AccessDeniedException", 400,
     "kinesis:DescribeStream", "arn:aws:kinesis:R:A:stream/s"),
    ("kinesis", lambda c: c.list_streams(), "AccessDeniedException", 400, "kinesis:ListStreams", ""),
    ("firehose", lambda c: c.put_record(DeliveryStreamName="d", Record={"Data": b"x"}), "AccessDeniedException", 400,
     "firehose:PutRecord", "arn:aws:firehose:R:A:deliverystream/d"),
    ("glue", lambda c: c.get_table(DatabaseName="d", Name="t"), "AccessDeniedException", 400,
     "glue:GetTable", "arn:aws:glue:R:A:catalog"),
    ("glue", lambda c: c.start_crawler(Name="c"), "AccessDeniedException", 400, "glue:StartCrawler", "arn:aws:glue:R:A:crawler/c"),
    ("logs", lambda c: c.create_log_group(logGroupName="g"), "AccessDeniedException", 400,
     "logs:CreateLogGroup", "arn:aws:logs:R:A:log-group:g:log-stream:"),
    ("events", lambda c: c.put_rule(Name="r", ScheduleExpression="rate(1 hour)"), "AccessDeniedException", 400,
     "events:PutRule", "arn:aws:events:R:A:rule/r"),
    ("stepfunctions", lambda c: c.start_execution(stateMachineArn="arn:aws:states:R:A:stateMachine:m"), "AccessDeniedException",
     400, "states:StartExecution", "arn:aws:states:R:A:stateMachine:m"),
    ("kinesisanalyticsv2", lambda c: c.start_application(ApplicationName="a"), "AccessDeniedException", 400,
     "kinesisanalytics:StartApplication", "arn:aws:kinesisanalytics:R:A:application/a"),
    ("lambda", lambda c: c.invoke(FunctionName="f"), "AccessDeniedException", 403,
     "lambda:InvokeFunction", "arn:aws:lambda:R:A:function:f"),
    ("databrew", lambda c: c.describe_job(Name="j"), "AccessDeniedException", 403, "databrew:DescribeJob", "arn:aws:databrew:R:A:job/j"),
    ("sqs", lambda c: c.create_queue(QueueName="q"), "AccessDenied", 403, "sqs:createqueue", "arn:aws:sqs:R:A:q"),
    ("iam", lambda c: c.create_user(UserName="u"), "AccessDenied", 403, "iam:CreateUser", "arn:aws:iam::A:user/u"),
    ("cloudformation", lambda c: c.describe_stacks(StackName="x"), "AccessDenied", 403,
     "cloudformation:DescribeStacks", "arn:aws:cloudformation:R:A:stack/x/*"),
    ("cloudwatch", lambda c: c.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}]), "AccessDenied", 403,
     "cloudwatch:PutMetricData", ""),
    ("ssm", lambda c: c.get_parameter(Name="/p"), "AccessDeniedException", 400, "ssm:GetParameter", "arn:aws:ssm:R:A:parameter/p"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "call", "code", "status", "action", "arn"), DENIALS, ids=[f"{case[4]}" for case in DENIALS]
)
def test_a_denial(worker, account, service, call, code, status, action, arn) -> None:
    made = worker()
    client = made.client(service)
    if "stateMachine" in arn:
        full = arn.replace(":R:", f":{REGION}:").replace(":A:", f":{account}:")
        told = refusal(lambda: client.start_execution(stateMachineArn=full))
    else:
        told = refusal(lambda: call(client))
    shown = arn.replace(":R:", f":{REGION}:").replace(":A:", f":{account}:")
    assert told == (code, status, _sentence(made, action, shown))


def test_athena_has_a_sentence_of_its_own(worker) -> None:
    assert refusal(lambda: worker().client("athena").get_work_group(WorkGroup="primary")) == (
        "AccessDeniedException",
        400,
        "You are not authorized to perform: athena:GetWorkGroup on the resource. After your AWS administrator or you have updated "
        "your permissions, please try again.",
    )


def test_s3_quotes_the_resource(worker, client) -> None:
    made = worker()
    client("s3").create_bucket(Bucket="quoted-lake")
    arn = "arn:aws:s3:::quoted-lake"
    s3 = made.client("s3")
    told = refusal(lambda: s3.list_objects_v2(Bucket="quoted-lake"))
    assert told == ("AccessDenied", 403, _sentence(made, "s3:ListBucket", arn, f'"{arn}"'))
    told = refusal(lambda: s3.put_object(Bucket="quoted-lake", Key="a", Body=b"x"))
    assert told == ("AccessDenied", 403, _sentence(made, "s3:PutObject", f"{arn}/a", f'"{arn}/a"'))
    assert refusal(lambda: s3.head_object(Bucket="quoted-lake", Key="a"))[:2] == ("403", 403)
    assert client("s3").list_objects_v2(Bucket="quoted-lake")["KeyCount"] == 0


def test_a_missing_key_is_403_without_the_right_to_list(worker, client) -> None:
    client("s3").create_bucket(Bucket="hidden-lake")
    made = worker(allow("s3:GetObject", "arn:aws:s3:::hidden-lake/*"))
    s3 = made.client("s3")
    code, status, message = refusal(lambda: s3.get_object(Bucket="hidden-lake", Key="nothing"))
    assert (code, status) == ("AccessDenied", 403) and "s3:ListBucket" in message
    assert refusal(lambda: s3.head_object(Bucket="hidden-lake", Key="nothing"))[1] == 403
    made.may(allow("s3:GetObject", "arn:aws:s3:::hidden-lake/*"), allow("s3:ListBucket", "arn:aws:s3:::hidden-lake"))
    assert refusal(lambda: s3.get_object(Bucket="hidden-lake", Key="nothing"))[:2] == ("NoSuchKey", 404)


def test_deleting_several_tells_of_each(worker, client) -> None:
    root = client("s3")
    root.create_bucket(Bucket="sweeping-lake")
    for key in ("mine/a", "yours/b", "mine/c&d"):
        root.put_object(Bucket="sweeping-lake", Key=key, Body=b"x")
    s3 = worker(allow("s3:DeleteObject", "arn:aws:s3:::sweeping-lake/mine/*")).client("s3")
    named = [{"Key": "mine/a"}, {"Key": "yours/b"}, {"Key": "mine/c&d"}]
    answer = s3.delete_objects(Bucket="sweeping-lake", Delete={"Objects": named})
    assert sorted(each["Key"] for each in answer["Deleted"]) == ["mine/a", "mine/c&d"]
    assert answer["Errors"] == [{"Key": "yours/b", "Code": "AccessDenied", "Message": "Access Denied"}]
    assert [each["Key"] for each in root.list_objects_v2(Bucket="sweeping-lake")["Contents"]] == ["yours/b"]


def test_copying_needs_both(worker, client) -> None:
    root = client("s3")
    root.create_bucket(Bucket="copying-lake")
    root.put_object(Bucket="copying-lake", Key="from/a", Body=b"x")
    made = worker(allow("s3:PutObject", "arn:aws:s3:::copying-lake/to/*"))
    source = {"Bucket": "copying-lake", "Key": "from/a"}
    copy = lambda: made.client("s3").copy_object(Bucket="copying-lake", Key="to/a", CopySource=source)  # noqa: E731
    assert "s3:GetObject" in refusal(copy)[2]
    made.may(
        allow("s3:PutObject", "arn:aws:s3:::copying-lake/to/*"),
        allow("s3:GetObject", "arn:aws:s3:::copying-lake/from/*"),
    )
    assert copy()["CopyObjectResult"]


def test_a_bucket_denies_root_too(client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="locked-lake")
    statement = deny("s3:PutObject", "arn:aws:s3:::locked-lake/*", Principal="*")
    s3.put_bucket_policy(Bucket="locked-lake", Policy=_policy(statement))
    told = refusal(lambda: s3.put_object(Bucket="locked-lake", Key="a", Body=b"x"))
    assert told[:2] == ("AccessDenied", 403) and "explicit deny in a resource-based policy" in told[2]
    s3.delete_bucket_policy(Bucket="locked-lake")
    assert s3.put_object(Bucket="locked-lake", Key="a", Body=b"x")["ETag"]


def test_a_bucket_s_policy_gives_a_role_what_it_lacks(worker, client) -> None:
    root, made = client("s3"), worker()
    root.create_bucket(Bucket="shared-lake")
    root.put_object(Bucket="shared-lake", Key="a", Body=b"x")
    statement = allow("s3:GetObject", "arn:aws:s3:::shared-lake/*", Principal={"AWS": made.arn})
    root.put_bucket_policy(Bucket="shared-lake", Policy=_policy(statement))
    assert made.client("s3").get_object(Bucket="shared-lake", Key="a")["Body"].read() == b"x"


def test_conditions_see_the_request(worker, client) -> None:
    client("s3").create_bucket(Bucket="folder-lake")
    condition = {"StringLike": {"s3:prefix": "home/${aws:userid}/*"}}
    made = worker(allow("s3:ListBucket", "arn:aws:s3:::folder-lake", Condition=condition))
    s3, mine = made.client("s3"), made.client("sts").get_caller_identity()["UserId"]
    assert s3.list_objects_v2(Bucket="folder-lake", Prefix=f"home/{mine}/")["KeyCount"] == 0
    assert refusal(lambda: s3.list_objects_v2(Bucket="folder-lake", Prefix="home/other/"))[0] == "AccessDenied"
    assert refusal(lambda: s3.list_objects_v2(Bucket="folder-lake"))[0] == "AccessDenied"


def test_tags_of_a_request(worker) -> None:
    made = worker(allow("kinesis:*", Condition={"StringEquals": {"aws:RequestTag/team": "red"}}))
    kinesis = made.client("kinesis")
    assert refusal(lambda: kinesis.create_stream(StreamName="s", ShardCount=1, Tags={"team": "blue"}))[1] == 400
    kinesis.create_stream(StreamName="s", ShardCount=1, Tags={"team": "red"})


def test_the_catalog_s_ancestors_are_asked_top_down(worker, account) -> None:
    prefix = f"arn:aws:glue:{REGION}:{account}"
    made = worker(allow("glue:GetTable", [f"{prefix}:table/d/t"]))
    glue = made.client("glue")
    get = lambda: glue.get_table(DatabaseName="d", Name="t")  # noqa: E731
    for granted, refused in ((["catalog"], "database/d"), (["catalog", "database/d"], "table/d/t")):
        made.may(allow("glue:GetTable", [f"{prefix}:{each}" for each in granted]))
        assert refusal(get)[2] == _sentence(made, "glue:GetTable", f"{prefix}:{refused}")
    made.may(allow("glue:GetTable", [f"{prefix}:{each}" for each in ("catalog", "database/d", "table/d/t")]))
    assert refusal(get)[0] == "EntityNotFoundException"


def test_handing_over_a_role_needs_its_permission(worker, account, client) -> None:
    trust = _policy({"Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    made = worker(allow("states:*"))
    states = made.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    create = lambda: states.create_state_machine(name="m", definition=definition, roleArn=role)  # noqa: E731
    assert refusal(create) == ("AccessDeniedException", 400, _sentence(made, "iam:PassRole", role))
    service = {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    made.may(allow("states:*"), allow("iam:PassRole", role, Condition=service))
    assert refusal(create)[0] == "AccessDeniedException"
    service = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    made.may(allow("states:*"), allow("iam:PassRole", role, Condition=service))
    assert create()["stateMachineArn"]


def test_boundaries_session_policies_and_denies_are_named(worker, client, account) -> None:
    policy = client("iam").create_policy(PolicyName="limit", PolicyDocument=_policy(allow("glue:*")))["Policy"]["Arn"]
    made = worker(allow("*"), Policy=_policy(allow("kinesis:*"), allow("glue:*")))
    kinesis = made.client("kinesis")
    assert kinesis.list_streams()["StreamNames"] == []
    assert refusal(lambda: made.client("firehose").list_delivery_streams())[2].endswith(
        "because no session policy allows the firehose:ListDeliveryStreams action"
    )
    made.iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=policy)
    assert refusal(lambda: kinesis.list_streams())[2].endswith(
        "because no permissions boundary allows the kinesis:ListStreams action"
    )
    made.iam.delete_role_permissions_boundary(RoleName="worker")
    made.may(allow("*"), deny("kinesis:*"))
    assert refusal(lambda: kinesis.list_streams())[2].endswith("with an explicit deny in an identity-based policy")
    made.may(allow("*"))
    managed = client("iam").create_policy(PolicyName="no", PolicyDocument=_policy(deny("kinesis:*")))["Policy"]["Arn"]
    made.iam.attach_role_policy(RoleName="worker", PolicyArn=managed)
    assert refusal(lambda: kinesis.list_streams())[2].endswith(
        f"with an explicit deny in an identity-based policy: {managed}"
    )


def test_a_user_with_groups(server, client, account) -> None:
    iam = client("iam")
    iam.create_user(UserName="ana", Path="/staff/")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    kinesis = boto3.client(
        "kinesis",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert f"User: arn:aws:iam::{account}:user/staff/ana is not" in refusal(lambda: kinesis.list_streams())[2]
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="read", PolicyDocument=_policy(allow("kinesis:List*")))
    iam.add_user_to_group(GroupName="readers", UserName="ana")
    assert kinesis.list_streams()["StreamNames"] == []
    iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    told = refusal(lambda: kinesis.list_streams())
    assert told == ("UnrecognizedClientException", 400, "The security token included in the request is invalid.")


def test_keys_that_nobody_has(worker) -> None:
    made = worker(allow("*"))
    for service, call, code in (
        ("kinesis", lambda c: c.list_streams(), "UnrecognizedClientException"),
        ("iam", lambda c: c.list_roles(), "InvalidClientTokenId"),
        ("s3", lambda c: c.list_buckets(), "InvalidAccessKeyId"),
    ):
        other = made.keys["AccessKeyId"][:-4] + "0000"
        assert refusal(lambda: call(made.client(service, AccessKeyId=other)))[0] == code  # noqa: B023
        assert refusal(lambda: call(made.client(service, SessionToken="another")))[0] == code  # noqa: B023
        assert call(made.client(service))


def test_a_deleted_role_s_session_may_nothing(worker) -> None:
    made = worker(allow("*"))
    assert made.client("kinesis").list_streams()
    made.iam.delete_role_policy(RoleName="worker", PolicyName="work")
    made.iam.delete_role(RoleName="worker")
    assert refusal(lambda: made.client("kinesis").list_streams())[0] == "AccessDeniedException"


def test_hot_paths_of_a_role_are_checked(worker, client) -> None:
    client("kinesis").create_stream(StreamName="s", ShardCount=1)
    made = worker(allow(["kinesis:PutRecord", "kinesis:DescribeStream*"], "arn:aws:kinesis:*:*:stream/s"))
    kinesis = made.client("kinesis")
    assert kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="p")["SequenceNumber"]
    assert refusal(lambda: kinesis.put_records(StreamName="s", Records=[{"Data": b"x", "PartitionKey": "p"}]))[1] == 400
    made.may(allow(["kinesis:GetShardIterator", "kinesis:GetRecords"], "arn:aws:kinesis:*:*:stream/s"))
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(StreamName="s", **shard)["ShardIterator"]
    assert [each["Data"] for each in kinesis.get_records(ShardIterator=iterator)["Records"]] == [b"x"]
    client("kinesis").create_stream(StreamName="other", ShardCount=1)
    other = client("kinesis").get_shard_iterator(StreamName="other", **shard)["ShardIterator"]
    assert "stream/other because" in refusal(lambda: kinesis.get_records(ShardIterator=other))[2]


def test_tags_of_the_resource(worker, client, account) -> None:
    """`aws:ResourceTag`: a stream's, a state machine's tags decide, those of now; a resource without tags has no such key."""
    kinesis, prefix = client("kinesis"), f"arn:aws:kinesis:{REGION}:{account}:stream"
    for name, tags in (("red", {"team": "red"}), ("blue", {"team": "blue"}), ("plain", {})):
        kinesis.create_stream(StreamName=name, ShardCount=1, **({"Tags": tags} if tags else {}))
    made = worker(allow("kinesis:PutRecord", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))
    put = lambda name: made.client("kinesis").put_record(StreamName=name, Data=b"x", PartitionKey="p")  # noqa: E731
    assert put("red")["SequenceNumber"]
    for name in ("blue", "plain"):
        assert refusal(lambda: put(name))[2] == _sentence(made, "kinesis:PutRecord", f"{prefix}/{name}")  # noqa: B023
    kinesis.add_tags_to_stream(StreamName="plain", Tags={"team": "red"})
    assert put("plain")["SequenceNumber"]
    made.may(
        allow("glue:GetCrawler"), deny("glue:GetCrawler", Condition={"StringLike": {"AWS:ResourceTag/secret": "*"}})
    )
    role = client("iam").create_role(
        RoleName="crawler",
        AssumeRolePolicyDocument=_policy({"Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    )["Role"]["Arn"]
    client("glue").create_database(DatabaseInput={"Name": "d"})
    for name, tags in (("open", {"a": "b"}), ("closed", {"secret": "yes"})):
        targets = {"S3Targets": [{"Path": "s3://nowhere/"}]}
        client("glue").create_crawler(Name=name, Role=role, DatabaseName="d", Targets=targets, Tags=tags)
    assert made.client("glue").get_crawler(Name="open")["Crawler"]["Name"] == "open"
    assert "with an explicit deny" in refusal(lambda: made.client("glue").get_crawler(Name="closed"))[2]


def test_a_key_s_policy_decides(worker, client, account) -> None:
    """The key must allow, itself or by its account: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html."""
    root, made = client("kms"), worker(allow("kms:Encrypt"))
    kms, owner = made.client("kms"), {"AWS": f"arn:aws:iam::{account}:root"}
    key = root.create_key()["KeyMetadata"]  # its policy hands over to the account
    root.create_alias(AliasName="alias/lake", TargetKeyId=key["KeyId"])
    encrypt = lambda name: kms.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]  # noqa: E731
    assert encrypt(key["KeyId"]) and encrypt("alias/lake")
    put = lambda *given: root.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=_policy(*given))  # noqa: E731
    put(allow("kms:PutKeyPolicy", Principal=owner))
    code, status, message = refusal(lambda: encrypt(key["Arn"]))
    assert (code, status) == ("AccessDeniedException", 400)
    assert message.endswith("because no resource-based policy allows the kms:Encrypt action")
    made.may(allow("glue:GetTable"))
    put(allow("kms:PutKeyPolicy", Principal=owner), allow("kms:Encrypt", Principal={"AWS": made.arn}))
    assert encrypt(key["Arn"])  # the key names the role: it needs nothing else
    put(allow("kms:*", Principal=owner), deny("kms:Encrypt", Principal="*"))
    assert refusal(lambda: encrypt("alias/lake"))[2].endswith("with an explicit deny in a resource-based policy")

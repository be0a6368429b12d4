"""Athena reads and writes with its caller's rights: without one a query ends FAILED in AWS's words, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.polling import until
from tests.service_roles import policy, put_rights

QUERY = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"]


class Learner:
    """A table over one object, and a role session that queries it."""

    def __init__(self, server: Any, client: Callable[..., Any], account: str):
        self.client, self.account = client, account
        self.bucket = f"asked-{account}"
        client("s3").create_bucket(Bucket=self.bucket)
        client("s3").put_object(Bucket=self.bucket, Key="data/t/a.json", Body=b'{"id": 7}\n')
        glue = client("glue")
        glue.create_database(DatabaseInput={"Name": "lake"})
        serde = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
        columns = [{"Name": "id", "Type": "int"}]
        storage = {"Columns": columns, "Location": f"s3://{self.bucket}/data/t/", "SerdeInfo": serde}
        glue.create_table(DatabaseName="lake", TableInput={"Name": "t", "StorageDescriptor": storage})
        trust = {"Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        iam = client("iam")
        arn = iam.create_role(RoleName="learner", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
        self.athena = boto3.client(
            "athena",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def rights(self, *more: dict[str, Any], without: str = "") -> None:
        arn = f"arn:aws:s3:::{self.bucket}"
        catalog = [
            f"arn:aws:glue:us-east-1:{self.account}:{each}" for each in ("catalog", "database/lake", "table/lake/*")
        ]
        given = [
            {"Action": QUERY, "Resource": f"arn:aws:athena:us-east-1:{self.account}:workgroup/primary"},
            *(
                {"Action": each, "Resource": catalog}
                for each in ("glue:GetTable", "glue:GetDatabase", "glue:GetPartitions")
            ),
            {"Action": "s3:GetBucketLocation", "Resource": arn},
            {"Action": "s3:ListBucket", "Resource": arn},
            {"Action": "s3:GetObject", "Resource": f"{arn}/data/*"},
            {"Action": "s3:PutObject", "Resource": f"{arn}/results/*"},
        ]
        put_rights(self.client, "learner", *more, *[each for each in given if each["Action"] != without])

    def start(self, query: str) -> dict[str, str]:
        started = self.athena.start_query_execution(
            QueryString=query, ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"}
        )
        return {"QueryExecutionId": started["QueryExecutionId"]}

    def ended(self, athena: Any, started: dict[str, str]) -> dict[str, Any]:
        def ended() -> Any:
            execution = athena.get_query_execution(**started)["QueryExecution"]
            return execution["Status"]["State"] not in ("QUEUED", "RUNNING") and execution

        execution: dict[str, Any] = until(ended)
        return execution

    def run(self, query: str = "SELECT id FROM lake.t") -> dict[str, Any]:
        return self.ended(self.athena, self.start(query))

    def reason(self, query: str = "SELECT id FROM lake.t") -> str:
        status = self.run(query)["Status"]
        assert status["State"] == "FAILED"
        reason: str = status["StateChangeReason"]
        return reason


@pytest.fixture
def learner(server: Any, client: Callable[..., Any], account: str) -> Learner:
    return Learner(server, client, account)


def test_the_least_rights_are_enough(learner: Learner) -> None:
    learner.rights()
    execution = learner.run()
    assert execution["Status"]["State"] == "SUCCEEDED", execution
    rows = learner.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"]["Rows"]
    assert rows[1]["Data"] == [{"VarCharValue": "7"}]


def test_without_a_right_in_the_catalog(learner: Learner) -> None:
    learner.rights(without="glue:GetTable")
    assert learner.reason().startswith(
        f"User: arn:aws:sts::{learner.account}:assumed-role/learner/me is not authorized to perform: glue:GetTable on resource: "
        f"arn:aws:glue:us-east-1:{learner.account}:catalog because no identity-based policy allows the glue:GetTable action "
        "(Service: AmazonDataCatalog; Status Code: 400; Error Code: AccessDeniedException; Request ID: "
    )


def test_without_the_right_to_read_the_data(learner: Learner) -> None:
    learner.rights(without="s3:GetObject")
    assert learner.reason() == f"Permission denied on S3 path: s3://{learner.bucket}/data/t/a.json"
    learner.rights(without="s3:ListBucket")
    assert learner.reason() == f"Permission denied on S3 path: s3://{learner.bucket}/data/t/"


def test_without_the_right_to_write_the_result(learner: Learner) -> None:
    learner.rights(without="s3:PutObject")
    assert learner.reason().startswith(f"Access denied when writing output to url: s3://{learner.bucket}/results/")
    learner.rights(without="s3:GetBucketLocation")
    with pytest.raises(ClientError, match=f"Unable to verify/create output bucket {learner.bucket}"):
        learner.run()


def test_a_denied_unload_leaves_nothing(learner: Learner) -> None:
    learner.rights()
    unload = f"UNLOAD (SELECT id FROM lake.t) TO 's3://{learner.bucket}/elsewhere/' WITH (format = 'PARQUET')"
    assert learner.reason(unload).startswith(
        f"Access denied when writing output to url: s3://{learner.bucket}/elsewhere/"
    )
    found = learner.client("s3").list_objects_v2(Bucket=learner.bucket, Prefix="elsewhere/")
    assert found["KeyCount"] == 0


def test_an_unload_that_is_denied_on_its_way_leaves_nothing(learner: Learner) -> None:
    """One of its partitions may be written and the other not."""
    where = f"{learner.bucket}/elsewhere/"
    learner.rights({"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{where}kind=a/*"})
    rows = "SELECT id, kind FROM lake.t CROSS JOIN (VALUES 'a', 'b') AS kinds (kind)"
    unload = f"UNLOAD ({rows}) TO 's3://{where}' WITH (format = 'PARQUET', partitioned_by = ARRAY['kind'])"
    assert learner.reason(unload).startswith(f"Access denied when writing output to url: s3://{where}kind=b")
    assert learner.client("s3").list_objects_v2(Bucket=learner.bucket, Prefix="elsewhere/")["KeyCount"] == 0
    learner.rights({"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{where}*"})
    assert learner.run(unload)["Status"]["State"] == "SUCCEEDED"  # so it was the right alone that lacked


def test_a_key_that_is_deleted_under_its_query(server: Any, learner: Learner) -> None:
    """The query goes on with the rights of its user; the key itself opens nothing any more."""
    iam, root = learner.client("iam"), learner.client("athena")
    iam.create_user(UserName="ana")
    allowed = policy({"Action": ["athena:*", "glue:Get*", "s3:*"], "Resource": "*"})
    iam.put_user_policy(UserName="ana", PolicyName="all", PolicyDocument=allowed)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    learner.athena = boto3.client(
        "athena",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    unload = f"UNLOAD (SELECT id FROM lake.t) TO 's3://{learner.bucket}/elsewhere/' WITH (format = 'PARQUET')"
    started = learner.start(unload)
    iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="UnrecognizedClientException") as refused:
        learner.athena.get_query_execution(**started)
    assert refused.value.response["Error"]["Message"] == "The security token included in the request is invalid."
    assert learner.ended(root, started)["Status"]["State"] == "SUCCEEDED"
    assert learner.client("s3").list_objects_v2(Bucket=learner.bucket, Prefix="elsewhere/")["KeyCount"] == 1


def test_changing_the_catalog_needs_its_right(learner: Learner, account: str) -> None:
    learner.rights()
    reason = learner.reason("DROP TABLE lake.t")
    assert "is not authorized to perform: glue:DeleteTable" in reason
    assert learner.client("glue").get_table(DatabaseName="lake", Name="t")
    catalog = [f"arn:aws:glue:us-east-1:{account}:{each}" for each in ("catalog", "database/lake", "table/lake/*")]
    learner.rights({"Action": "glue:DeleteTable", "Resource": catalog})
    assert learner.run("DROP TABLE lake.t")["Status"]["State"] == "SUCCEEDED"


def test_a_query_of_another_workgroup_is_not_seen(learner: Learner) -> None:
    learner.rights()
    learner.client("athena").create_work_group(Name="other", Configuration={"EnforceWorkGroupConfiguration": False})
    output = {"OutputLocation": f"s3://{learner.bucket}/results/"}
    other = learner.client("athena").start_query_execution(
        QueryString="SELECT 1", WorkGroup="other", ResultConfiguration=output
    )
    with pytest.raises(
        ClientError, match="You are not authorized to perform: athena:GetQueryExecution on the resource"
    ):
        learner.athena.get_query_execution(QueryExecutionId=other["QueryExecutionId"])

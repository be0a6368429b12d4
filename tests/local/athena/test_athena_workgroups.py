"""Workgroups, reuse of results, prepared statements, named queries, parameters, tags, the catalog's operations."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.athena.athena_lake import Lake, refused


def test_an_enforced_workgroup_wins_over_the_client(lake: Lake) -> None:
    lake.athena.create_work_group(
        Name="team",
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{lake.bucket}/team/"}},
        Description="ours",
    )
    execution = lake.ok("SELECT 1", WorkGroup="team")
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{lake.bucket}/team/")
    reason = lake.reason(
        f"CREATE TABLE x WITH (external_location = 's3://{lake.bucket}/x/') AS SELECT 1 AS a", WorkGroup="team"
    )
    assert "enforces a centralized output location" in reason
    made = lake.ok("CREATE TABLE x AS SELECT 1 AS a", WorkGroup="team")
    location = lake.glue.get_table(DatabaseName="db", Name="x")["Table"]["StorageDescriptor"]["Location"]
    assert location == f"s3://{lake.bucket}/team/tables/{made['QueryExecutionId']}/"
    group = lake.athena.get_work_group(WorkGroup="team")["WorkGroup"]
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert group["State"] == "ENABLED"


def test_workgroup_states_and_deletion(lake: Lake) -> None:
    names = [group["Name"] for group in lake.athena.list_work_groups()["WorkGroups"]]
    assert names == ["primary"]
    lake.athena.create_work_group(
        Name="team", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{lake.out}/team/"}}
    )
    identifier = lake.ok("SELECT 1", WorkGroup="team")["QueryExecutionId"]
    lake.athena.update_work_group(WorkGroup="team", State="DISABLED")
    assert refused(lambda: lake.start("SELECT 1", WorkGroup="team"))[1] == "WorkGroup team is disabled."
    assert refused(lambda: lake.athena.delete_work_group(WorkGroup="team"))[1] == "WorkGroup team is not empty"
    lake.athena.delete_work_group(WorkGroup="team", RecursiveDeleteOption=True)
    assert refused(lambda: lake.athena.get_work_group(WorkGroup="team"))[1] == "WorkGroup team is not found."
    assert (
        refused(lambda: lake.athena.get_query_execution(QueryExecutionId=identifier))[0] == "QUERY_EXECUTION_NOT_FOUND"
    )
    assert refused(lambda: lake.athena.delete_work_group(WorkGroup="primary"))[0] == "INVALID_INPUT"
    assert f"team/{identifier}.csv" in lake.keys(lake.out)  # result objects are the user's


def test_bytes_scanned_cutoff_cancels(lake: Lake) -> None:
    lake.put("raw/a", ('{"a": 1, "pad": "' + "x" * 10_000 + '"}\n') * 1100)
    lake.table("raw", "a int", "raw/")
    lake.athena.create_work_group(
        Name="small",
        Configuration={"EnforceWorkGroupConfiguration": False, "BytesScannedCutoffPerQuery": 10_000_000},
    )
    status = lake.run("SELECT count(*) FROM raw", WorkGroup="small")["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Bytes scanned limit was exceeded")
    assert lake.rows("SELECT count(*) FROM raw") == [["1100"]]


def test_metrics_of_a_workgroup(lake: Lake, client: Callable[..., Any]) -> None:
    lake.athena.create_work_group(
        Name="team",
        Configuration={"EnforceWorkGroupConfiguration": False, "PublishCloudWatchMetricsEnabled": True},
    )
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    lake.ok("SELECT a FROM raw", WorkGroup="team")
    lake.ok("SELECT a FROM raw")  # primary publishes none
    dimensions = [
        {"Name": "QueryState", "Value": "SUCCEEDED"}, {"Name": "QueryType", "Value": "DML"},
        {"Name": "WorkGroup", "Value": "team"},
    ]  # fmt: skip
    now = datetime.now(UTC)
    found = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Athena", MetricName="ProcessedBytes", Dimensions=dimensions, Statistics=["Sum", "SampleCount"],
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1), Period=3600,
    )["Datapoints"]  # fmt: skip
    assert [(point["Sum"], point["SampleCount"]) for point in found] == [(9.0, 1.0)]


def test_result_reuse(lake: Lake) -> None:
    lake.put_json("raw/a", {"a": 1})
    lake.table("raw", "a int", "raw/")
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 10}}}
    lake.ok("SELECT a FROM raw", **reuse)
    again = lake.ok("SELECT a FROM raw", **reuse)
    assert again["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
    assert again["Statistics"]["DataScannedInBytes"] == 0
    assert lake.results(again) == [["a"], ["1"]]
    assert not lake.ok("SELECT a FROM raw")["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    for _ in range(2):
        changing = lake.ok("SELECT a, now() FROM raw", **reuse)
        assert not changing["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]


def test_parameters_and_prepared_statements(lake: Lake) -> None:
    execution = lake.ok("SELECT a FROM (VALUES 1, 2, 3) t(a) WHERE a > ? AND ? = 'x'", ExecutionParameters=["1", "'x'"])
    assert execution["ExecutionParameters"] == ["1", "'x'"]
    assert lake.results(execution)[1:] == [["2"], ["3"]]
    assert lake.reason("SELECT ?", ExecutionParameters=["1", "2"]).startswith("INVALID_PARAMETER_USAGE")
    lake.ok("PREPARE more FROM SELECT a FROM (VALUES 1, 2, 3) t(a) WHERE a >= ?")
    assert lake.rows("EXECUTE more USING 2") == [["2"], ["3"]]
    assert lake.rows("EXECUTE more", ExecutionParameters=["3"]) == [["3"]]
    listed = lake.athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert [item["StatementName"] for item in listed] == ["more"]
    lake.athena.create_prepared_statement(StatementName="less", WorkGroup="primary", QueryStatement="SELECT ? + 1")
    assert lake.rows("EXECUTE less USING 41") == [["42"]]
    found = lake.athena.get_prepared_statement(StatementName="less", WorkGroup="primary")["PreparedStatement"]
    assert (found["QueryStatement"], found["WorkGroupName"]) == ("SELECT ? + 1", "primary")
    lake.athena.update_prepared_statement(StatementName="less", WorkGroup="primary", QueryStatement="SELECT ? - 1")
    assert lake.rows("EXECUTE less USING 41") == [["40"]]
    lake.ok("DEALLOCATE PREPARE more")
    lake.athena.delete_prepared_statement(StatementName="less", WorkGroup="primary")
    assert refused(lambda: lake.start("EXECUTE more USING 1"))[1] == (
        "PreparedStatement more was not found in workGroup primary"
    )


def test_prepared_statements_of_other_kinds(lake: Lake) -> None:
    lake.ok(f"CREATE TABLE t WITH (external_location = 's3://{lake.bucket}/t/') AS SELECT 1 AS a")
    lake.ok("PREPARE more FROM INSERT INTO t SELECT ?")
    execution = lake.ok("EXECUTE more USING 41")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "INSERT")
    assert lake.rows("SELECT a FROM t ORDER BY a") == [["1"], ["41"]]


def test_tags(lake: Lake, account: str) -> None:
    arn = f"arn:aws:athena:us-east-1:{account}:workgroup/team"
    lake.athena.create_work_group(Name="team", Tags=[{"Key": "a", "Value": "1"}])
    lake.athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    lake.athena.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert lake.athena.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    plain = arn.replace("team", "primary")
    assert lake.athena.list_tags_for_resource(ResourceARN=plain)["Tags"] == []


def test_named_queries(lake: Lake) -> None:
    identifier = lake.athena.create_named_query(Name="first", Database="db", QueryString="SELECT 1")["NamedQueryId"]
    assert lake.athena.list_named_queries()["NamedQueryIds"] == [identifier]
    lake.athena.update_named_query(NamedQueryId=identifier, Name="second", QueryString="SELECT 2")
    found = lake.athena.get_named_query(NamedQueryId=identifier)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["WorkGroup"]) == ("second", "SELECT 2", "primary")
    batch = lake.athena.batch_get_named_query(NamedQueryIds=[identifier, str(uuid.uuid4())])
    assert (len(batch["NamedQueries"]), len(batch["UnprocessedNamedQueryIds"])) == (1, 1)
    lake.athena.delete_named_query(NamedQueryId=identifier)
    assert lake.athena.list_named_queries()["NamedQueryIds"] == []


def test_catalog_operations(lake: Lake) -> None:
    lake.table("raw", "a int, b string", "raw/", keys="day string")
    assert lake.athena.list_data_catalogs()["DataCatalogsSummary"] == [
        {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    ]
    databases = lake.athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
    assert [database["Name"] for database in databases] == ["db", "default"]
    table = lake.athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", TableName="raw")
    metadata = table["TableMetadata"]
    assert metadata["Columns"] == [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "string"}]
    assert metadata["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert metadata["Parameters"]["location"] == f"s3://{lake.bucket}/raw/"
    listed = lake.athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", Expression="r.*")
    assert [t["Name"] for t in listed["TableMetadataList"]] == ["raw"]
    with pytest.raises(ClientError, match="MetadataException"):
        lake.athena.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", TableName="nope")


def test_managed_query_results(lake: Lake) -> None:
    lake.athena.create_work_group(Name="kept", Configuration={"ManagedQueryResultsConfiguration": {"Enabled": True}})
    execution = lake.ok("SELECT 1 AS a", WorkGroup="kept", ResultConfiguration={})
    assert execution["ManagedQueryResultsConfiguration"] == {"Enabled": True}
    assert "OutputLocation" not in execution["ResultConfiguration"]
    assert lake.results(execution) == [["a"], ["1"]]
    assert lake.results(lake.ok("SHOW DATABASES", WorkGroup="kept", ResultConfiguration={})) == [["db"], ["default"]]
    with pytest.raises(ClientError, match="OutputLocation cannot be used"):
        lake.start("SELECT 1", WorkGroup="kept")


def test_execution_parameters_are_values_of_the_columns_type(lake: Lake) -> None:
    lake.put_json("p/a", {"c": "Washington", "n": 7, "d": "2021-01-05"}, {"c": "98101", "n": 8, "d": "2021-01-06"})
    lake.table("p", "c string, n int, d date", "p/")
    for where, values, expected in (
        ("c = ?", ["Washington"], ["7"]), ("c = ?", ["'Washington'"], ["7"]), ("c = ?", ["98101"], ["8"]), ("n = ?", ["7"], ["7"]),
        ("n = ?", ["'8'"], ["8"]), ("d = ?", ["2021-01-05"], ["7"]), ("c IN (?, ?)", ["98101", "x"], ["8"]),
        ("d BETWEEN ? AND ?", ["2021-01-06", "'2021-01-07'"], ["8"]), ("c LIKE ?", ["Wash%"], ["7"]), ("n > ? + 1", ["6"], ["8"]),
        ("c = upper(?)", ["washington"], None),
    ):  # fmt: skip
        found = lake.rows(f"SELECT n FROM p WHERE {where}", ExecutionParameters=values)
        assert found == ([expected] if expected else []), (where, values)


def test_results_are_encrypted_as_asked_for(lake: Lake, client: Callable[..., Any]) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]

    def encrypted(option: str, name: str) -> dict[str, Any]:
        chosen = {"EncryptionOption": option, "KmsKey": name}
        return {"OutputLocation": f"s3://{lake.out}/", "EncryptionConfiguration": chosen}

    done = lake.ok("SELECT 1", ResultConfiguration=encrypted("SSE_KMS", key))
    name = f"{done['QueryExecutionId']}.csv"
    for each in (name, f"{name}.metadata"):
        told = lake.s3.head_object(Bucket=lake.out, Key=each)
        assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", key)
    assert "allowed to access your KMS key" in lake.reason("SELECT 1", ResultConfiguration=encrypted("SSE_KMS", "none"))
    told = refused(lambda: lake.start("SELECT 1", ResultConfiguration=encrypted("CSE_KMS", key)))
    assert "CSE_KMS" in told[1]

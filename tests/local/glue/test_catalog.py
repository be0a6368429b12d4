"""The Glue Data Catalog through boto3: names, versions, pages, filters, batches, errors. Expected values are AWS's."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from infra.local.glue.catalog.filter import InvalidExpression, InvalidValue, compile_expression
from tests.local.events.event_lab import queue_policy
from tests.refusals import refusal

KEYS = [
    {"Name": "year", "Type": "string"},
    {"Name": "month", "Type": "int"},
    {"Name": "day", "Type": "date"},
    {"Name": "price", "Type": "decimal(5,2)"},
]
VALUES = ["2022", "11", "2022-11-24", "1.50"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year = '2022'", True),
        ("year=2022", True),
        ("YEAR = '2021'", False),
        ("'2021' < year", True),
        ("year <> '2022'", False),
        ("year != '2022'", False),
        ("month > 9", True),  # numbers, not text: '11' < '9'
        ("month = '11'", True),
        ("month BETWEEN 3 AND 11", True),
        ("month NOT BETWEEN 3 AND 11", False),
        ("month BETWEEN 11 AND 3", False),
        ("month IN (1, 11)", True),
        ("month NOT IN (1, 11)", False),
        ("year LIKE '20_2'", True),
        ("year LIKE '%1'", False),
        ("year NOT LIKE '20%'", False),
        ("day >= '2022-11-01' AND day < '2022-12-01'", True),
        ("day = date '2022-11-24'", True),
        ("price = 1.5", True),
        ("month = 1 OR year = '2022' AND day > '2022-01-01'", True),
        ("(month = 1 OR year = '2022') AND day < '2022-01-01'", False),
        ("NOT (month = 11)", False),
        ("month IS NULL", False),
        ("month IS NOT NULL", True),
        ("month > -1", True),
        ("year = 'it''s'", False),
    ],
)
def test_expression(expression: str, expected: bool) -> None:
    assert compile_expression(expression, KEYS)(VALUES) is expected


def test_null_partition_fits_only_is_null() -> None:
    values = ["2022", "__HIVE_DEFAULT_PARTITION__", "2022-11-24", "1"]
    assert compile_expression("month IS NULL", KEYS)(values)
    assert not compile_expression("month = 11", KEYS)(values)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("week = 1", "Invalid partition expression!"),
        ("month = 'abc'", '"abc" is not an integer.'),
        ("month LIKE '1%'", "Integral data type doesn't support operation 'LIKE'"),
        ("day = 'soon'", "soon is not a date."),
        ("year =", "Unsupported expression 'year ='"),
        ("SELECT 1", "Unsupported expression 'SELECT 1'"),
    ],
)
def test_bad_expression(expression: str, message: str) -> None:
    with pytest.raises(InvalidExpression) as error:
        compile_expression(expression, KEYS)
    assert str(error.value) == message


def test_value_that_is_not_of_its_type() -> None:
    with pytest.raises(InvalidValue):
        compile_expression("month = 11", KEYS)(["2022", "november", "2022-11-24", "1"])


# --- through the API ------------------------------------------------------------------------------------------------


def table_input(name: str = "Raw", keys: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://bucket/raw/"},
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        **more,
    }


@pytest.fixture
def glue(client: Any) -> Any:
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "Workshop"})
    return glue


def test_databases_are_listed_by_name(glue: Any) -> None:
    for name in ("zoo", "abc"):
        glue.create_database(DatabaseInput={"Name": name, "Description": name.upper()})
    pages = glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 2})
    assert [[each["Name"] for each in page["DatabaseList"]] for page in pages] == [["abc", "workshop"], ["zoo"]]
    assert glue.get_databases()["DatabaseList"][2]["Description"] == "ZOO"


def test_names_are_lower_case(glue: Any) -> None:
    assert glue.get_database(Name="WORKSHOP")["Database"]["Name"] == "workshop"
    glue.create_table(DatabaseName="workshop", TableInput=table_input("Raw"))
    table = glue.get_table(DatabaseName="WorkShop", Name="RAW")["Table"]
    assert (table["DatabaseName"], table["Name"]) == ("workshop", "raw")
    glue.update_database(Name="WORKSHOP", DatabaseInput={"Name": "Workshop", "Description": "lake"})
    assert glue.get_databases()["DatabaseList"][0]["Description"] == "lake"


def test_defaults_of_a_table(glue: Any, account: str) -> None:
    glue.create_table(DatabaseName="workshop", TableInput=table_input())
    table = glue.get_table(DatabaseName="workshop", Name="raw")["Table"]
    assert table["VersionId"] == "0"
    assert table["Retention"] == 0
    assert table["CatalogId"] == account
    assert table["IsRegisteredWithLakeFormation"] is False
    assert table["UpdateTime"] == table["CreateTime"]
    assert table["StorageDescriptor"]["Compressed"] is False
    assert table["StorageDescriptor"]["NumberOfBuckets"] == 0


def test_errors(glue: Any) -> None:
    missing = "EntityNotFoundException"
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    raw = {"DatabaseName": "workshop", "TableName": "raw"}
    assert refusal(glue.get_database, Name="nix") == (missing, "Database nix not found.")
    assert refusal(glue.get_tables, DatabaseName="nix") == (missing, "Database nix not found.")
    assert refusal(glue.get_table, DatabaseName="nix", Name="t") == (missing, "Database nix not found.")
    assert refusal(glue.get_table, DatabaseName="workshop", Name="t") == (missing, "Entity Not Found")
    assert refusal(glue.delete_table, DatabaseName="workshop", Name="t") == (missing, "Table t not found.")
    assert refusal(glue.get_partitions, DatabaseName="workshop", TableName="t") == (missing, "Table t not found.")
    assert refusal(glue.get_partition, **raw, PartitionValues=["1"]) == (missing, "Cannot find partition.")
    exists = "AlreadyExistsException"
    assert refusal(glue.create_database, DatabaseInput={"Name": "WORKSHOP"}) == (exists, "Database already exists.")
    assert refusal(glue.create_table, DatabaseName="workshop", TableInput=table_input("RAW")) == (
        exists,
        "Table already exists.",
    )
    glue.create_partition(**raw, PartitionInput={"Values": ["1"]})
    assert refusal(glue.create_partition, **raw, PartitionInput={"Values": ["1"]}) == (
        exists,
        "Partition already exists.",
    )
    assert refusal(glue.create_partition, **raw, PartitionInput={"Values": ["1", "2"]}) == (
        "InvalidInputException",
        "The number of partition keys do not match the number of partition values",
    )
    assert refusal(glue.get_partitions, **raw, Expression="nix = 1")[0] == "InvalidInputException"
    assert refusal(glue.get_tables, DatabaseName="workshop", NextToken="?")[0] == "InvalidInputException"
    assert refusal(glue.get_tables, DatabaseName="workshop", MaxResults=101)[0] == "ValidationException"


def test_versions(glue: Any) -> None:
    glue.create_table(DatabaseName="workshop", TableInput=table_input(Description="0"))
    for number in "123":
        glue.update_table(
            DatabaseName="workshop", TableInput=table_input(Description=number), SkipArchive=number == "3"
        )
    assert glue.get_table(DatabaseName="workshop", Name="raw")["Table"]["VersionId"] == "3"
    versions = glue.get_table_versions(DatabaseName="workshop", TableName="raw")["TableVersions"]
    assert [(each["VersionId"], each["Table"]["Description"]) for each in versions] == [
        ("3", "3"),
        ("1", "1"),
        ("0", "0"),
    ]
    one = glue.get_table_version(DatabaseName="workshop", TableName="raw", VersionId="1")["TableVersion"]
    assert one["Table"]["Description"] == "1"
    assert refusal(glue.get_table_version, DatabaseName="workshop", TableName="raw", VersionId="2") == (
        "EntityNotFoundException",
        "Version not found.",
    )
    answer = glue.batch_delete_table_version(DatabaseName="workshop", TableName="raw", VersionIds=["0", "9"])
    assert [error["VersionId"] for error in answer["Errors"]] == ["9"]
    stale = {"DatabaseName": "workshop", "TableInput": table_input(), "VersionId": "1"}
    assert refusal(glue.update_table, **stale)[0] == "ConcurrentModificationException"


def test_pages(glue: Any) -> None:
    names = [f"t{number:03}" for number in range(105)]
    for name in reversed(names):
        glue.create_table(DatabaseName="workshop", TableInput=table_input(name))
    first = glue.get_tables(DatabaseName="workshop")
    assert len(first["TableList"]) == 100
    pages = glue.get_paginator("get_tables").paginate(DatabaseName="workshop", PaginationConfig={"PageSize": 40})
    found = [[table["Name"] for table in page["TableList"]] for page in pages]
    assert [len(page) for page in found] == [40, 40, 25]
    assert sum(found, []) == names
    few = glue.get_tables(DatabaseName="workshop", Expression="*00*")["TableList"]
    assert [table["Name"] for table in few] == [f"t00{number}" for number in range(10)] + ["t100"]
    two = glue.get_tables(DatabaseName="workshop", Expression="t001|t002", AttributesToGet=["NAME"])["TableList"]
    assert two == [{"Name": "t001"}, {"Name": "t002"}]


def test_partitions(glue: Any) -> None:
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day", "hour")))
    raw = {"DatabaseName": "workshop", "TableName": "raw"}
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://bucket/raw/"}
    parts = [
        {"Values": [str(day), f"{hour:02}"], "StorageDescriptor": columns} for day in range(4) for hour in range(24)
    ]
    assert glue.batch_create_partition(**raw, PartitionInputList=parts)["Errors"] == []
    errors = glue.batch_create_partition(**raw, PartitionInputList=[parts[0], {"Values": ["9", "00"]}])["Errors"]
    assert errors == [
        {
            "PartitionValues": ["0", "00"],
            "ErrorDetail": {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "Partition already exists."},
        }
    ]
    found = glue.get_partitions(**raw, Expression="day IN ('1', '2') AND hour >= '22'", ExcludeColumnSchema=True)
    assert [part["Values"] for part in found["Partitions"]] == [["1", "22"], ["1", "23"], ["2", "22"], ["2", "23"]]
    assert "Columns" not in found["Partitions"][0]["StorageDescriptor"]
    pages = glue.get_paginator("get_partitions").paginate(**raw, PaginationConfig={"PageSize": 50})
    assert [len(page["Partitions"]) for page in pages] == [50, 47]
    segments = [
        glue.get_partitions(**raw, Segment={"SegmentNumber": number, "TotalSegments": 3})["Partitions"]
        for number in range(3)
    ]
    assert sorted(part["Values"] for part in sum(segments, [])) == sorted(p["Values"] for p in parts) + [["9", "00"]]
    got = glue.batch_get_partition(**raw, PartitionsToGet=[{"Values": ["3", "05"]}, {"Values": ["3", "99"]}])
    assert [part["Values"] for part in got["Partitions"]] == [["3", "05"]]
    glue.update_partition(**raw, PartitionValueList=["9", "00"], PartitionInput={"Values": ["9", "01"]})
    gone = glue.batch_delete_partition(**raw, PartitionsToDelete=[{"Values": ["9", "01"]}, {"Values": ["9", "00"]}])
    assert [error["PartitionValues"] for error in gone["Errors"]] == [["9", "00"]]
    too_many = [{"Values": [str(number), "0"]} for number in range(101)]
    assert refusal(glue.batch_create_partition, **raw, PartitionInputList=too_many)[0] == "ValidationException"


def test_partition_indexes(glue: Any) -> None:
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    raw = {"DatabaseName": "workshop", "TableName": "raw"}
    glue.create_partition_index(**raw, PartitionIndex={"Keys": ["day"], "IndexName": "by_day"})
    assert glue.get_partition_indexes(**raw)["PartitionIndexDescriptorList"] == [
        {"IndexName": "by_day", "IndexStatus": "ACTIVE", "Keys": [{"Name": "day", "Type": "string"}]}
    ]
    glue.delete_partition_index(**raw, IndexName="by_day")
    assert refusal(glue.delete_partition_index, **raw, IndexName="by_day")[0] == "EntityNotFoundException"


def test_what_is_refused(glue: Any) -> None:
    bad = "InvalidInputException"
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    link = {"CatalogId": "1", "DatabaseName": "x", "Name": "y"}
    assert refusal(glue.create_table, DatabaseName="workshop", TableInput=table_input("l", TargetTable=link))[0] == bad
    assert refusal(glue.update_database, Name="workshop", DatabaseInput={"Name": "other"})[0] == bad
    assert refusal(glue.update_table, DatabaseName="workshop", Name="raw", TableInput=table_input("new"))[0] == bad
    iceberg = {"IcebergInput": {"MetadataOperation": "CREATE"}}
    new = {"DatabaseName": "workshop", "TableInput": table_input("new", keys=("day",))}
    assert refusal(glue.create_table, **new, OpenTableFormatInput=iceberg)[0] == bad
    assert refusal(glue.create_table, **new, PartitionIndexes=[{"Keys": ["nix"], "IndexName": "i"}])[0] == bad
    assert [table["Name"] for table in glue.get_tables(DatabaseName="workshop")["TableList"]] == ["raw"]
    glue.create_table(**new, PartitionIndexes=[{"Keys": ["day"], "IndexName": "i"}])
    indexes = glue.get_partition_indexes(DatabaseName="workshop", TableName="new")["PartitionIndexDescriptorList"]
    assert [index["IndexName"] for index in indexes] == ["i"]
    statistics = {"DatabaseName": "workshop", "TableName": "raw", "ColumnNames": ["a"]}
    assert refusal(glue.get_column_statistics_for_table, **statistics)[0] == "NotImplemented"


def test_search_tables(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(DatabaseName="other", TableInput=table_input("tracks", Parameters={"classification": "csv"}))
    glue.create_table(DatabaseName="workshop", TableInput=table_input("raw", Parameters={"classification": "json"}))

    def names(**arguments: Any) -> list[str]:
        return [table["Name"] for table in glue.search_tables(**arguments)["TableList"]]

    assert names() == ["tracks", "raw"]
    assert names(SearchText="json") == ["raw"]
    assert names(Filters=[{"Key": "DatabaseName", "Value": "other", "Comparator": "EQUALS"}]) == ["tracks"]
    assert names(SortCriteria=[{"FieldName": "Name", "Sort": "ASC"}]) == ["raw", "tracks"]
    assert names(Filters=[{"Key": "CreateTime", "Value": "2001-01-01", "Comparator": "LESS_THAN"}]) == []


def test_changes_are_told_to_eventbridge(glue: Any, client: Any) -> None:
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": queue_policy(arn)})
    events.put_rule(Name="catalog", EventPattern=json.dumps({"source": ["aws.glue"]}))
    events.put_targets(Rule="catalog", Targets=[{"Id": "1", "Arn": arn}])
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    glue.update_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    glue.create_partition(DatabaseName="workshop", TableName="raw", PartitionInput={"Values": ["1"]})
    told: list[dict[str, Any]] = []
    deadline = time.monotonic() + 10
    while len(told) < 3 and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            told.append(json.loads(message["Body"]))
    assert [(event["detail-type"], event["detail"]["typeOfChange"]) for event in told] == [
        ("Glue Data Catalog Database State Change", "CreateTable"),
        ("Glue Data Catalog Table State Change", "UpdateTable"),
        ("Glue Data Catalog Table State Change", "CreatePartition"),
    ]
    assert told[0]["detail"]["changedTables"] == ["raw"]
    assert told[2]["detail"]["changedPartitions"] == ["1"]


def test_catalog_survives_kill(own_server: Any) -> None:
    glue = own_server.client("glue", "200000000000")
    glue.create_database(DatabaseInput={"Name": "workshop"})
    glue.create_table(DatabaseName="workshop", TableInput=table_input(keys=("day",)))
    glue.create_partition(DatabaseName="workshop", TableName="raw", PartitionInput={"Values": ["1"]})
    own_server.kill()
    own_server.restart()
    glue = own_server.client("glue", "200000000000")
    found = glue.get_partitions(DatabaseName="workshop", TableName="raw")["Partitions"]
    assert [part["Values"] for part in found] == [["1"]]

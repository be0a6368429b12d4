"""Partitions of tables, data catalogs of Athena, consumers of streams: made, changed in place, replaced, deleted."""

import pytest

from tests.refusals import refusal


def template(account: str, step: str, consumer: str, place: str) -> dict:
    columns = [{"Name": "id", "Type": "int"}]
    table = {
        "Name": "orders",
        "PartitionKeys": [{"Name": "day", "Type": "string"}],
        "StorageDescriptor": {"Columns": columns},
    }
    partition = {"Values": [step], "StorageDescriptor": {"Columns": columns, "Location": place}}
    where = {"CatalogId": account, "DatabaseName": {"Ref": "Database"}}
    return {
        "Resources": {
            "Database": {
                "Type": "AWS::Glue::Database",
                "Properties": {"CatalogId": account, "DatabaseInput": {"Name": "shop"}},
            },
            "Table": {"Type": "AWS::Glue::Table", "Properties": {**where, "TableInput": table}},
            "Partition": {
                "Type": "AWS::Glue::Partition",
                "Properties": {**where, "TableName": {"Ref": "Table"}, "PartitionInput": partition},
            },
            "Catalog": {
                "Type": "AWS::Athena::DataCatalog",
                "Properties": {
                    "Name": "friend",
                    "Type": "GLUE",
                    "Description": place,
                    "Parameters": {"catalog-id": account},
                    "Tags": [{"Key": "at", "Value": place}],
                },
            },
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "clicks", "ShardCount": 1}},
            "Consumer": {
                "Type": "AWS::Kinesis::StreamConsumer",
                "Properties": {"ConsumerName": consumer, "StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}},
            },
        },
        "Outputs": {
            "Consumer": {"Value": {"Ref": "Consumer"}},
            "Status": {"Value": {"Fn::GetAtt": ["Consumer", "ConsumerStatus"]}},
            "Catalog": {"Value": {"Ref": "Catalog"}},
        },
    }


def test_types_of_catalogs_and_consumers(client, account, cloudformation, create, update):
    glue, athena, kinesis = client("glue"), client("athena"), client("kinesis")

    def partitions() -> list:
        found = glue.get_partitions(DatabaseName="shop", TableName="orders")["Partitions"]
        return [(each["Values"], each["StorageDescriptor"]["Location"]) for each in found]

    def consumers() -> list:
        stream = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
        return [each["ConsumerARN"] for each in kinesis.list_stream_consumers(StreamARN=stream)["Consumers"]]

    def outputs() -> dict:
        (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    stack, status = create("s", template(account, "2026-01-01", "fast", "s3://b/one/"))
    assert status == "CREATE_COMPLETE", cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    made = outputs()
    assert (made["Status"], made["Catalog"], consumers()) == ("ACTIVE", "friend", [made["Consumer"]])
    assert partitions() == [(["2026-01-01"], "s3://b/one/")]

    assert update("s", template(account, "2026-01-01", "fast", "s3://b/two/")) == "UPDATE_COMPLETE"
    assert partitions() == [(["2026-01-01"], "s3://b/two/")] and consumers() == [made["Consumer"]]
    assert athena.get_data_catalog(Name="friend")["DataCatalog"]["Description"] == "s3://b/two/"

    assert update("s", template(account, "2026-01-02", "faster", "s3://b/two/")) == "UPDATE_COMPLETE"
    assert partitions() == [(["2026-01-02"], "s3://b/two/")]
    assert consumers() == [outputs()["Consumer"]] != [made["Consumer"]]

    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    with pytest.raises(athena.exceptions.InvalidRequestException):
        athena.get_data_catalog(Name="friend")
    assert refusal(glue.get_database, Name="shop")[0] == "EntityNotFoundException"

"""Visual jobs: the script of a graph, what is refused, and a run from two sources to a table."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.glue_studio import WrongGraph, script
from tests.test_glue_jobs import Lab

TABLES = {"raw": ["uuid", "track_id"], "reference_data": ["track_id", "track_name"]}
NODES: dict[str, Any] = {
    "raw": {"S3CatalogSource": {"Name": "Raw", "Database": "db", "Table": "raw"}},
    "ref": {"S3CatalogSource": {"Name": "Reference", "Database": "db", "Table": "reference_data"}},
    "renamed": {
        "ApplyMapping": {
            "Name": "Change Schema",
            "Inputs": ["ref"],
            "Mapping": [
                {"FromPath": ["track_id"], "FromType": "string", "ToKey": "ref_id", "ToType": "int"},
                {"FromPath": ["track_name"], "FromType": "string", "ToKey": "track_name", "ToType": "string"},
            ],
        }
    },
    "join": {
        "Join": {
            "Name": "Join",
            "Inputs": ["raw", "renamed"],
            "JoinType": "equijoin",
            "Columns": [{"From": "raw", "Keys": [["track_id"]]}, {"From": "renamed", "Keys": [["ref_id"]]}],
        }
    },
    "target": {"S3GlueParquetTarget": {"Name": "Target", "Inputs": ["join"], "Path": "s3://b/out/"}},
}


def graph(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(NODES) | changes


def columns(database: str, table: str) -> list[str]:
    return TABLES[table]


def test_script_is_python_in_the_order_of_the_graph() -> None:
    text = script(graph(), columns)
    compile(text, "job", "exec")
    assert [
        line.removeprefix("# Script generated for node ") for line in text.splitlines() if line.startswith("#")
    ] == [
        "Raw",
        "Reference",
        "Change Schema",
        "Join",
        "Target",
    ]
    mappings = "mappings=[('track_id', 'string', 'ref_id', 'int'), ('track_name', 'string', 'track_name', 'string')]"
    assert f"ApplyMapping.apply(frame=Reference_ref, {mappings}" in text
    assert "Join.apply(frame1=Raw_raw, frame2=ChangeSchema_renamed, keys1=['track_id'], keys2=['ref_id']" in text
    assert text.endswith("job.commit()\n")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"a": {"DropFields": {"Name": "A", "Inputs": ["a"], "Paths": [["x"]]}}}, "cycle: a -> a"),
        ({"a": {"DropFields": {"Name": "A", "Inputs": ["none"], "Paths": [["x"]]}}}, "has the input none"),
        ({"a": {"DropFields": {"Name": "A", "Inputs": [], "Paths": [["x"]]}}}, "needs 1 inputs and has 0"),
        (
            {"a": {"DropFields": {"Name": "A", "Inputs": ["raw"], "Paths": [["x"]]}}},
            "no column x; it has uuid, track_id",
        ),
        (
            {"a": {"FillMissingValues": {"Name": "A", "Inputs": ["raw"], "ImputedPath": "x"}}},
            "FillMissingValues is not",
        ),
        ({"renamed": {"DropDuplicates": {"Name": "D", "Inputs": ["ref"]}}}, "both inputs have track_id"),
    ],
)
def test_wrong_graph_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WrongGraph) as wrong:
        script(graph(**changes), columns)
    assert reason in str(wrong.value)


def test_visual_job_joins_string_and_int_keys_into_a_table(client: Any, account: str) -> None:
    lab = Lab(client, account)
    lab.glue.create_database(DatabaseInput={"Name": "db"})
    files = {
        "raw": '{"uuid": "a", "track_id": 1}\n{"uuid": "b", "track_id": 0}\n',
        "reference_data": '{"track_id": "1", "track_name": "Thunder"}\n',
    }
    types = {"uuid": "string", "track_name": "string"}
    for table, text in files.items():
        lab.s3.put_object(Bucket=lab.bucket, Key=f"data/{table}/a.json", Body=text.encode())
        kinds = types | {"track_id": "int" if table == "raw" else "string"}
        storage = {
            "Location": f"s3://{lab.bucket}/data/{table}/",
            "Columns": [{"Name": name, "Type": kinds[name]} for name in TABLES[table]],
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        }
        table_input = {"Name": table, "StorageDescriptor": storage, "Parameters": {"classification": "json"}}
        lab.glue.create_table(DatabaseName="db", TableInput=table_input)
    policy = {
        "EnableUpdateCatalog": True,
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "Database": "db",
        "Table": "processed-data2",
    }
    nodes = graph()
    nodes["target"]["S3GlueParquetTarget"] |= {"Path": f"s3://{lab.bucket}/out/", "SchemaChangePolicy": policy}
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{lab.bucket}/scripts/visual.py"}
    lab.glue.create_job(Name="visual", Role=lab.role, Command=command, CodeGenConfigurationNodes=nodes)
    assert lab.glue.get_job(JobName="visual")["Job"]["JobMode"] == "VISUAL"
    run = lab.run("visual")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    table = lab.glue.get_table(DatabaseName="db", Name="processed-data2")["Table"]
    made = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert made == {"uuid": "string", "track_id": "int", "ref_id": "int", "track_name": "string"}
    nodes["join"]["Join"]["Columns"][0]["Keys"] = [["nothing"]]
    with pytest.raises(ClientError) as refused:
        lab.glue.create_job(Name="wrong", Role=lab.role, Command=command, CodeGenConfigurationNodes=nodes)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"


def test_union_aggregate_and_sql_run_on_spark(client: Any, account: str) -> None:
    lab = Lab(client, account)
    lab.s3.put_object(Bucket=lab.bucket, Key="in/a.json", Body=b'{"kind": "x", "n": 1}\n{"kind": "x", "n": 2}\n')
    source = {"Name": "In", "Paths": [f"s3://{lab.bucket}/in/"]}
    sums = {"Name": "Sum", "Inputs": ["both"], "Groups": [["kind"]], "Aggs": [{"Column": ["n"], "AggFunc": "sum"}]}
    query = "SELECT kind, `sum(n)` AS total FROM sums"
    sql = {"Name": "SQL", "Inputs": ["sum"], "SqlQuery": query, "SqlAliases": [{"From": "sum", "Alias": "sums"}]}
    nodes: dict[str, Any] = {
        "one": {"S3JsonSource": source},
        "two": {"S3JsonSource": source},
        "both": {"Union": {"Name": "Both", "Inputs": ["one", "two"], "UnionType": "ALL"}},
        "sum": {"Aggregate": sums},
        "sql": {"SparkSQL": sql},
        "out": {
            "S3DirectTarget": {"Name": "Out", "Inputs": ["sql"], "Path": f"s3://{lab.bucket}/out/", "Format": "json"}
        },
    }
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{lab.bucket}/scripts/sums.py"}
    lab.glue.create_job(Name="sums", Role=lab.role, Command=command, CodeGenConfigurationNodes=nodes)
    run = lab.run("sums")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    listed = lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix="out/")["Contents"]
    bodies = [lab.s3.get_object(Bucket=lab.bucket, Key=each["Key"])["Body"].read() for each in listed]
    assert [json.loads(line) for line in b"".join(bodies).splitlines()] == [{"kind": "x", "total": 6}]

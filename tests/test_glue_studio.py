"""Visual jobs: the script of a graph, what is refused, and a run from two sources to a table."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pyarrow.parquet
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


def tables(database: str, table: str) -> dict[str, Any]:
    columns = [{"Name": name, "Type": "int" if name == "track_id" else "string"} for name in TABLES[table]]
    return {"StorageDescriptor": {"Columns": columns}}


def test_script_is_python_in_the_order_of_the_graph() -> None:
    text = script(graph(), tables)
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
    mappings = 'mappings=[("track_id", "string", "ref_id", "int"), ("track_name", "string", "track_name", "string")]'
    assert f"ApplyMapping.apply(frame=Reference_ref, {mappings}" in text
    assert 'Join.apply(frame1=Raw_raw, frame2=ChangeSchema_renamed, keys1=["track_id"], keys2=["ref_id"]' in text
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
            "FillMissingValues learns from the data",
        ),
        ({"renamed": {"DropDuplicates": {"Name": "D", "Inputs": ["ref"]}}}, "both inputs have track_id"),
    ],
)
def test_wrong_graph_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WrongGraph) as wrong:
        script(graph(**changes), tables)
    assert reason in str(wrong.value)


# The workshop's graph: "Resolve it" in the join makes the node Renamed keys for Join, which prefixes the right side.
WORKSHOP: dict[str, Any] = {
    "node-1669815300001": {"S3CatalogSource": {"Name": "Raw", "Database": "db", "Table": "raw"}},
    "node-1669815300002": {"S3CatalogSource": {"Name": "Reference", "Database": "db", "Table": "reference_data"}},
    "node-1669815402900": {
        "ApplyMapping": {
            "Name": "Renamed keys for Join",
            "Inputs": ["node-1669815300002"],
            "Mapping": [
                {"FromPath": ["track_id"], "FromType": "string", "ToKey": "(right) track_id", "ToType": "int"},
                {"FromPath": ["track_name"], "FromType": "string", "ToKey": "(right) track_name", "ToType": "string"},
            ],
        }
    },
    "node-1669815402847": {
        "Join": {
            "Name": "Join",
            "Inputs": ["node-1669815300001", "node-1669815402900"],
            "JoinType": "equijoin",
            "Columns": [
                {"From": "node-1669815300001", "Keys": [["track_id"]]},
                {"From": "node-1669815402900", "Keys": [["(right) track_id"]]},
            ],
        }
    },
    "node-1669815402999": {
        "S3GlueParquetTarget": {
            "Name": "Amazon S3",
            "Inputs": ["node-1669815402847"],
            "Path": "s3://b/data/processed-data2/",
            "Compression": "snappy",
            "SchemaChangePolicy": {
                "EnableUpdateCatalog": True,
                "UpdateBehavior": "UPDATE_IN_DATABASE",
                "Database": "db",
                "Table": "processed-data2",
            },
        }
    },
}
WORKSHOP_SCRIPT = """\
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)

# Script generated for node Raw
Raw_node1669815300001 = glueContext.create_dynamic_frame.from_catalog(database="db", table_name="raw", \
transformation_ctx="Raw_node1669815300001")

# Script generated for node Reference
Reference_node1669815300002 = glueContext.create_dynamic_frame.from_catalog(database="db", \
table_name="reference_data", transformation_ctx="Reference_node1669815300002")

# Script generated for node Renamed keys for Join
RenamedkeysforJoin_node1669815402900 = ApplyMapping.apply(frame=Reference_node1669815300002, \
mappings=[("track_id", "string", "`(right) track_id`", "int"), \
("track_name", "string", "`(right) track_name`", "string")], \
transformation_ctx="RenamedkeysforJoin_node1669815402900")

# Script generated for node Join
Join_node1669815402847 = Join.apply(frame1=Raw_node1669815300001, frame2=RenamedkeysforJoin_node1669815402900, \
keys1=["track_id"], keys2=["`(right) track_id`"], transformation_ctx="Join_node1669815402847")

# Script generated for node Amazon S3
AmazonS3_node1669815402999 = glueContext.getSink(path="s3://b/data/processed-data2/", connection_type="s3", \
updateBehavior="UPDATE_IN_DATABASE", partitionKeys=[], compression="snappy", enableUpdateCatalog=True, \
transformation_ctx="AmazonS3_node1669815402999")
AmazonS3_node1669815402999.setCatalogInfo(catalogDatabase="db", catalogTableName="processed-data2")
AmazonS3_node1669815402999.setFormat("glueparquet")
AmazonS3_node1669815402999.writeFrame(Join_node1669815402847)

job.commit()
"""


def test_script_of_the_workshops_join_is_glue_studios() -> None:
    assert script(WORKSHOP, tables) == WORKSHOP_SCRIPT


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
    nodes = copy.deepcopy(WORKSHOP)
    nodes["node-1669815402999"]["S3GlueParquetTarget"]["Path"] = f"s3://{lab.bucket}/out/"
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{lab.bucket}/scripts/visual.py"}
    lab.glue.create_job(Name="visual", Role=lab.role, Command=command, CodeGenConfigurationNodes=nodes)
    job = lab.glue.get_job(JobName="visual")["Job"]
    assert (job["JobMode"], job["CodeGenConfigurationNodes"]) == ("VISUAL", nodes)
    run = lab.run("visual")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    table = lab.glue.get_table(DatabaseName="db", Name="processed-data2")["Table"]
    made = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert made == {"uuid": "string", "track_id": "int", "(right) track_id": "int", "(right) track_name": "string"}
    assert rows(lab, "out/") == [
        {"uuid": "a", "track_id": 1, "(right) track_id": 1, "(right) track_name": "Thunder"},
    ]
    # a wrong graph changes nothing; a right one replaces the script
    wrong = copy.deepcopy(nodes)
    wrong["node-1669815402847"]["Join"]["Columns"][0]["Keys"] = [["nothing"]]
    update = {"Role": lab.role, "Command": command, "CodeGenConfigurationNodes": wrong}
    with pytest.raises(ClientError) as refused:
        lab.glue.update_job(JobName="visual", JobUpdate=update)
    assert refused.value.response["Error"]["Code"] == "InvalidInputException"
    assert "Script generated for node Amazon S3" in stored(lab, "scripts/visual.py")
    nodes["node-1669815402999"]["S3GlueParquetTarget"]["Name"] = "Lake"
    lab.glue.update_job(JobName="visual", JobUpdate=update | {"CodeGenConfigurationNodes": nodes})
    assert lab.glue.get_job(JobName="visual")["Job"]["CodeGenConfigurationNodes"] == nodes
    assert "Lake_node1669815402999.writeFrame(Join_node1669815402847)" in stored(lab, "scripts/visual.py")


def stored(lab: Lab, key: str) -> str:
    return lab.s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read().decode()


def rows(lab: Lab, prefix: str) -> list[dict[str, Any]]:
    """The rows of the Parquet and JSON files below a prefix."""
    found: list[dict[str, Any]] = []
    for each in lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix=prefix)["Contents"]:
        body = lab.s3.get_object(Bucket=lab.bucket, Key=each["Key"])["Body"].read()
        if each["Key"].endswith(".parquet"):
            found += pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
        else:
            found += [json.loads(line) for line in body.splitlines()]
    return found


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
    assert rows(lab, "out/") == [{"kind": "x", "total": 6}]

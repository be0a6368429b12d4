"""Visual jobs: the script of a graph, what is refused, and a run from two sources to a table."""

from __future__ import annotations

import copy
import gzip
import io
import json
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from infra.local.glue.studio.script import WrongGraph, script
from tests.local.glue.test_glue_jobs import Lab

TEXT = {"Id": "STRING", "Label": "STRING"}
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


def column(name: str) -> dict[str, Any]:
    return {"Type": "COLUMNEXTRACTED", "Value": [name]}


def constant(value: str) -> dict[str, Any]:
    return {"Type": "CONSTANT", "Value": [value]}


def select(inputs: list[str], *paths: str, name: str = "A") -> dict[str, Any]:
    return {"SelectFields": {"Name": name, "Inputs": inputs, "Paths": [[path] for path in paths]}}


def kind(name: str, inputs: list[str] | None = None, **given: Any) -> dict[str, Any]:
    return {name: {"Name": "A", **({} if inputs is None else {"Inputs": inputs}), **given}}


def filters(operation: str, *values: dict[str, Any], source: str = "raw") -> dict[str, Any]:
    return kind("Filter", [source], LogicalOperator="AND", Filters=[{"Operation": operation, "Values": list(values)}])


def target(**given: Any) -> dict[str, Any]:
    return kind("S3DirectTarget", ["raw"], Path="s3://b/x/", **{"Format": "json", **given})


def aggregate(groups: list[list[str]], *columns: str, source: str = "raw") -> dict[str, Any]:
    return kind("Aggregate", [source], Groups=groups, Aggs=[{"Column": [each], "AggFunc": "max"} for each in columns])


def split(index: int) -> dict[str, dict[str, Any]]:
    parent = {"SplitFields": {"Name": "Split Fields", "Inputs": ["raw"], "Paths": [["uuid"]]}}
    return {"split": parent, "a": kind("SelectFromCollection", ["split"], Index=index)}


BOTH_SIDES = [{"From": "raw", "Keys": [["track_id"]]}, {"From": "ref", "Keys": [["track_id"]]}]
WRONG: list[tuple[dict[str, Any], str]] = [
    # how nodes hang together
    ({"a": select(["a"], "x")}, "cycle: a -> a"),
    ({"a": select(["b"], "x"), "b": select(["a"], "x")}, "The nodes form a cycle: "),
    ({"a": select(["none"], "x")}, "Node a has the input none, which is not a node."),
    ({"a": select([], "x")}, "Node a (SelectFields) needs 1 inputs and has 0."),
    ({"a": select(["raw", "ref"], "x")}, "Node a (SelectFields) needs 1 inputs and has 2."),
    ({"target": {"S3GlueParquetTarget": {"Name": "T", "Inputs": [], "Path": "s3://b/"}}}, "needs 1 inputs and has 0."),
    ({"a": kind("CustomCode", [], Code="return dfc", ClassName="F")}, "needs 1 or more inputs and has 0."),
    ({"a": select(["target"], "uuid")}, "Node A has the input Target, which is a target."),
    ({"a": select(["raw"], "uuid") | kind("Filter", ["raw"])}, "exactly one kind, and has SelectFields, Filter."),
    ({"a": {}}, "Node a must have exactly one kind, and has none."),
    (split(0) | {"b": select(["split"], "uuid")}, "node Split Fields outputs a collection, but node A does not accept"),
    (split(2), "Node A: Index 2 is too high; Split Fields outputs the frames 0 and 1."),
    ({"a": kind("SelectFromCollection", ["raw"], Index=0)}, "Raw outputs one frame, but node A needs a collection."),
    ({"x-1": select(["raw"], "uuid"), "x1": select(["raw"], "uuid")}, "Nodes x-1 and x1 would both be A_x1."),
    # kinds and members that are not here
    ({"a": kind("FillMissingValues", ["raw"], ImputedPath="uuid")}, "FillMissingValues learns from the data"),
    ({"a": kind("PIIDetection", ["raw"])}, "Node a: PIIDetection is not part of the local AWS."),
    ({"a": kind("Nonsense", ["raw"])}, "Node a: Nonsense is not part of the local AWS."),
    ({"a": target(NumberTargetPartitions="some")}, "Node A: NumberTargetPartitions some is no number."),
    ({"a": target(AutoDataQuality={"IsEnabled": True})}, "AutoDataQuality is not part of the local AWS."),
    # columns
    ({"a": select(["raw"], "x")}, "Node A: its input has no column x; it has uuid, track_id."),
    ({"a": select(["raw"])}, "Node A: Paths is empty."),
    ({"a": target(PartitionKeys=[["day"]])}, "has no column day; it has uuid, track_id."),
    ({"a": target(PartitionKeys=[["uuid", "x"]])}, "uuid.x is inside another column; map it to one of its own."),
    ({"a": kind("DropDuplicates", ["raw"], Columns=[["uuid", "x"]])}, "Node A: uuid.x is inside another column"),
    (
        {"a": kind("RenameField", ["raw"], SourcePath=["uuid"], TargetPath=["track_id"])},
        "already has a column track_id.",
    ),
    (
        {"a": kind("ApplyMapping", ["raw"], Mapping=[{"FromPath": ["uuid"], "Dropped": True}])},
        "Node A: no column is left.",
    ),
    ({"a": kind("ApplyMapping", ["raw"], Mapping=[{"FromPath": ["uuid"]}])}, "no FromType, ToKey, ToType."),
    ({"a": kind("Union", ["raw", "ref"], UnionType="ALL")}, "have uuid, track_id and track_id, track_name."),
    ({"a": kind("Aggregate", ["raw"], Groups=[["uuid"]], Aggs=[])}, "Node A: Aggs is empty."),
    ({"a": aggregate([["uuid"], ["track_id", "uuid"]], "track_id")}, "Node A: two of its columns would be uuid."),
    ({"a": aggregate([], "track_id", "track_id")}, "Node A: two of its columns would be max(track_id)."),
    ({"a": kind("Merge", ["raw", "ref"], Source="x", PrimaryKeys=[["track_id"]])}, "Source x is not one of its inputs"),
    ({"a": kind("Merge", ["raw", "ref"], Source="raw", PrimaryKeys=[])}, "Node A: PrimaryKeys is empty."),
    ({"a": kind("Merge", ["raw", "ref"], Source="raw", PrimaryKeys=[["uuid"]])}, "its input has no column uuid"),
    # joins
    (
        {"a": kind("Join", ["raw", "ref"], JoinType="equijoin", Columns=BOTH_SIDES)},
        "Node A: both inputs have track_id. Rename it in one of them with a Change Schema (ApplyMapping) node"
        " before the join; Glue Studio's own is called Renamed keys for Join.",
    ),
    ({"a": kind("Join", ["raw", "ref"], JoinType="outer", Columns=BOTH_SIDES)}, "both inputs have track_id"),
    (
        {"a": kind("Join", ["raw", "ref"], JoinType="leftsemi", Columns=BOTH_SIDES[:1] * 2)},
        "Columns must name its two inputs.",
    ),
    (
        {"a": kind("Join", ["raw", "ref"], JoinType="leftsemi", Columns=[BOTH_SIDES[0], {"From": "ref", "Keys": []}])},
        "both inputs must have the same number of keys",
    ),
    # filters, SQL and custom code
    ({"a": filters("EQ", column("track_id"), constant("one"))}, "one is no number, and is compared with a column of"),
    ({"a": filters("EQ", constant("1"), column("track_id"))}, "EQ takes 2 Values, the first a column"),
    ({"a": filters("ISNULL", column("uuid"), constant("1"))}, "ISNULL takes 1 Values"),
    ({"a": filters("REGEX", column("track_id"), constant("1"))}, "REGEX compares a string column with a constant."),
    ({"a": filters("REGEX", column("uuid"), constant("("))}, "the regular expression ( is wrong"),
    ({"a": filters("GT", column("x"), constant("1"))}, "has no column x"),
    (
        {"a": kind("SparkSQL", ["raw"], SqlQuery="SELECT 1", SqlAliases=[{"From": "ref", "Alias": "t"}])},
        "SqlAliases names ref, which is not one of its inputs.",
    ),
    (
        {
            "a": kind(
                "SparkSQL",
                ["raw", "ref"],
                SqlQuery="SELECT 1",
                SqlAliases=[{"From": "raw", "Alias": "t"}, {"From": "ref", "Alias": "T"}],
            )
        },
        "Node A: two of its SqlAliases are T.",
    ),
    ({"a": kind("CustomCode", ["raw"], Code="x = 1\nreturn (", ClassName="F")}, "line 2 of Code is no Python"),
    ({"a": kind("CustomCode", ["raw"], Code="return dfc", ClassName="a b")}, "ClassName a b is no Python name."),
    ({"a": kind("CustomCode", ["raw"], Code="return dfc", ClassName="class")}, "ClassName class is no Python name."),
    (
        {
            "a": kind("CustomCode", ["raw"], Code="return dfc", ClassName="F"),
            "b": {"CustomCode": {"Name": "B", "Inputs": ["raw"], "Code": "return dfc", "ClassName": "F"}},
        },
        "Node B: ClassName F is taken by node A.",
    ),
    # targets
    (
        {"a": target(Format="delta")},
        "the format delta is not part of the local AWS; it has parquet, orc, json, csv, avro.",
    ),
    ({"a": target(Compression="snappy")}, "the compression snappy of json is not part of the local AWS"),
    ({"a": kind("S3GlueParquetTarget", ["raw"], Path="s3://b/", Compression="lzo")}, "the compression lzo of parquet"),
    ({"a": target(SchemaChangePolicy={"EnableUpdateCatalog": True})}, "needs a Database and a Table."),
    (
        {"a": kind("S3CatalogTarget", ["raw"], Database="db", Table="raw", PartitionKeys=[["uuid"]])},
        "Node A: its PartitionKeys are uuid, those of db.raw are none.",
    ),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG, ids=[reason[:40] for _, reason in WRONG])
def test_wrong_graph_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WrongGraph) as wrong:
        script(graph(**changes), tables)
    assert reason in str(wrong.value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (filters("EQ", column("track_id"), constant("7")), 'f=lambda row: (row["track_id"] == 7)'),
        (filters("EQ", column("uuid"), constant("7")), 'f=lambda row: (row["uuid"] == "7")'),
        (filters("LT", column("track_id"), column("uuid")), 'f=lambda row: (row["track_id"] < row["uuid"])'),
        (filters("REGEX", column("uuid"), constant(r"^\d+")), r'f=lambda row: (bool(re.match("^\\d+", row["uuid"])))'),
        (filters("ISNULL", column("uuid")), 'f=lambda row: (row["uuid"] is None)'),
        (filters("EQ", column("a b"), constant("7"), source="files"), 'f=lambda row: (row["a b"] == 7)'),
        (filters("EQ", column("a"), constant("007"), source="files"), 'f=lambda row: (row["a"] == "007")'),
        (
            target(Format="csv", Compression="gzip"),
            'format="csv", connection_options={"path": "s3://b/x/", "compression": "gzip", "partitionKeys": []}, trans',
        ),
        (
            target(Format="parquet", Compression="gzip"),
            'connection_options={"path": "s3://b/x/", "partitionKeys": []}, format_options={"compression": "gzip"}, tr',
        ),
        (
            target(SchemaChangePolicy={"EnableUpdateCatalog": True, "Database": "db", "Table": "t"}),
            'getSink(path="s3://b/x/", connection_type="s3", updateBehavior="UPDATE_IN_DATABASE", partitionKeys=[], '
            'enableUpdateCatalog=True, transformation_ctx="A_a")',
        ),
        (
            kind("Join", ["raw", "ref"], JoinType="leftsemi", Columns=BOTH_SIDES),
            '(Raw_rawDF.join(Reference_refDF, (Raw_rawDF["track_id"] == Reference_refDF["track_id"]), "leftsemi")',
        ),
        (
            kind("S3JsonSource", Paths=["s3://b/in/"], Exclusions=["**.tmp", '["**.pdf", "old/*"]']),
            '"recurse": False, "exclusions": ["**.tmp", "**.pdf", "old/*"]}, tr',
        ),
        (
            kind("S3JsonSource", Paths=["s3://b/"], JsonPath="$.a[*]", GroupFiles="inPartition", MaxBand=5),
            'format_options={"multiline": False, "jsonPath": "$.a[*]"}, connection_type="s3", format="json", '
            'connection_options={"paths": ["s3://b/"], "recurse": False, "groupFiles": "inPartition", "maxBand": 5}',
        ),
        (
            kind(
                "S3JsonSource",
                Paths=["s3://b/"],
                AdditionalOptions={"EnableSamplePath": True, "SamplePath": "s3://b/1"},
            ),
            'connection_options={"paths": ["s3://b/1"], "recurse": False}',
        ),
        (
            kind("S3CsvSource", Paths=["s3://b/"], Separator="pipe", QuoteChar="quote", Escaper="\\", SkipFirst=True),
            '{"quoteChar": "\\"", "withHeader": False, "separator": "|", "skipFirst": True, "escaper": "\\\\"}',
        ),
        (
            kind("S3CatalogSource", Database="db", Table="raw", AdditionalOptions={"BoundedFiles": 3}),
            'table_name="raw", additional_options={"boundedFiles": "3"}, tr',
        ),
        (target(NumberTargetPartitions="0"), "from_options(frame=Raw_raw, "),
        (
            target(NumberTargetPartitions="1", Format="avro"),
            'from_options(frame=Raw_raw.coalesce(1), connection_type="s3"',
        ),
        (kind("DropNullFields", ["raw"]), "A_a = DropNullFields.apply(frame=Raw_raw, tr"),
        (
            kind(
                "DropNullFields",
                ["raw"],
                NullCheckBoxList={"IsEmpty": True, "IsNegOne": True},
                NullTextList=[{"Value": "n/a", "Datatype": {"Id": "STRING", "Label": "STRING"}}],
            ),
            'A_a = dropNulls(glueContext, frame=Raw_raw, nulls=["", "-1", "n/a"], tr',
        ),
        (
            kind("Spigot", ["raw"], Path="s3://b/", Topk=5, Prob=0.5),
            'Spigot.apply(frame=Raw_raw, path="s3://b/", options={"topk": 5, "prob": 0.5}, tr',
        ),
        (
            kind("Merge", ["raw", "ref"], Source="ref", PrimaryKeys=[["track_id"]]),
            'A_a = Reference_ref.mergeDynamicFrame(stage_dynamic_frame=Raw_raw, primary_keys=["track_id"], tr',
        ),
        (
            kind("S3CatalogSource", Database="db", Table="raw", PartitionPredicate="day = '1'"),
            'table_name="raw", push_down_predicate="day = \'1\'", transformation_ctx="A_a")',
        ),
    ],
)
def test_code_of_a_node(given: dict[str, Any], line: str) -> None:
    files = {"S3JsonSource": {"Name": "Files", "Paths": ["s3://b/files/"]}}
    text = script(graph(a=given, files=files), tables)
    compile(text, "job", "exec")
    assert line in text
    assert ("import re\n" in text) == ("re.match" in text)


def test_columns_inside_others_and_names_with_a_dot() -> None:
    """A field may be renamed inside its column; Spark writes the measure of a column with a dot in backticks."""
    inner = kind("RenameField", ["raw"], SourcePath=["uuid", "x"], TargetPath=["uuid", "y"])
    assert 'old_name="uuid.x", new_name="uuid.y"' in script(graph(a=inner), tables)
    files = {"S3JsonSource": {"Name": "Files", "Paths": ["s3://b/files/"]}}
    dotted = graph(files=files, sums=aggregate([["k"]], "d.t", source="files"), a=select(["sums"], "max(`d.t`)"))
    assert r'paths=["`max(``d.t``)`"]' in script(dotted, tables)


def test_values_and_jobs_that_the_api_does_not_have(client: Any, account: str) -> None:
    lab = Lab(client, account)
    source = {"S3JsonSource": {"Name": "In", "Paths": ["s3://b/in/"]}}
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{lab.bucket}/scripts/a.py"}

    def refused(nodes: dict[str, Any], **changes: str) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            lab.glue.create_job(
                Name="a", Role=lab.role, Command=command | changes, CodeGenConfigurationNodes={"in": source} | nodes
            )
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    def out(**given: Any) -> dict[str, Any]:
        return {"out": {"S3DirectTarget": {"Name": "Out", "Inputs": ["in"], "Path": "s3://b/o/", **given}}}

    code, message = refused(out(Format="text"))
    assert (code, message) == (
        "ValidationException",
        "1 validation error detected: Value 'text' at 'codeGenConfigurationNodes.out.s3DirectTarget.format' failed to"
        " satisfy constraint: Member must satisfy enum value set: [json, csv, avro, orc, parquet, hudi, delta, iceberg,"
        " hyper, xml]",
    )
    assert refused(out(Format="json"), Name="pythonshell")[0] == "InvalidInputException"
    missing = {"in": {"S3CatalogSource": {"Name": "In", "Database": "db", "Table": "none"}}}
    assert refused(missing) == ("InvalidInputException", "The Data Catalog has no table db.none.")
    assert "Contents" not in lab.s3.list_objects_v2(Bucket=lab.bucket)
    assert lab.glue.list_jobs()["JobNames"] == []


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
    """The rows of the Parquet and JSON files below a prefix, sorted."""
    found: list[dict[str, Any]] = []
    for each in lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix=prefix)["Contents"]:
        body = lab.s3.get_object(Bucket=lab.bucket, Key=each["Key"])["Body"].read()
        if each["Key"].endswith(".parquet"):
            found += pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
        else:
            text = gzip.decompress(body) if each["Key"].endswith(".gz") else body
            found += [json.loads(line) for line in text.splitlines()]
    return sorted(found, key=lambda row: [str(value or "~") for value in row.values()])


CUSTOM = """\
from awsglue import DynamicFrame
numbers = dfc.select(list(dfc.keys())[0]).toDF()
doubled = numbers.withColumn("twice", numbers["n"] * 2)
return DynamicFrameCollection({"doubled": DynamicFrame.fromDF(doubled, glueContext, "doubled")}, glueContext)
"""


def test_every_kind_of_node_runs_on_spark(client: Any, account: str) -> None:
    """One run for them all: a Spark start costs more than any of the nodes."""
    lab = Lab(client, account)
    root = f"s3://{lab.bucket}"
    lab.s3.put_object(Bucket=lab.bucket, Key="csv/a.csv", Body=b"kind|n|note\na|1|x\na|1|x\nb|2|\nc|3|z\n")
    lab.s3.put_object(Bucket=lab.bucket, Key="json/a.json", Body=b'{"kind": "x", "n": 1}\n{"kind": "x", "n": 2}\n')
    prices = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"what": ["a", "b", "d"], "price": [1.5, 2.5, 4.0]}), prices)
    lab.s3.put_object(Bucket=lab.bucket, Key="parquet/a.parquet", Body=prices.getvalue())
    lab.glue.create_database(DatabaseInput={"Name": "db"})
    storage = {
        "Columns": [{"Name": "n", "Type": "int"}, {"Name": "note", "Type": "string"}],
        "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    }
    for name, keys in (("sold", [{"Name": "sort", "Type": "string"}]), ("texts", [])):
        described = {"StorageDescriptor": storage | {"Location": f"{root}/{name}/"}, "PartitionKeys": keys}
        parameters = {"classification": "parquet"}
        lab.glue.create_table(DatabaseName="db", TableInput={"Name": name, "Parameters": parameters, **described})

    def node(kind: str, inputs: str = "", **given: Any) -> dict[str, Any]:
        return {kind: {"Name": "N", **({"Inputs": inputs.split()} if inputs else {}), **given}}

    def json_target(inputs: str, folder: str, **given: Any) -> dict[str, Any]:
        return node("S3DirectTarget", inputs, Path=f"{root}/out/{folder}/", Format="json", **given)

    def joined(how: str) -> dict[str, Any]:
        sides = [{"From": "typed", "Keys": [["sort"]]}, {"From": "prices", "Keys": [["what"]]}]
        return node("Join", "typed prices", JoinType=how, Columns=sides)

    schema = [{"Columns": [{"Name": name, "Type": "string"} for name in ("kind", "n", "note")]}]
    csv = {"Paths": [f"{root}/csv/"], "Separator": "pipe", "QuoteChar": "quote", "WithHeader": True}
    mapping = [
        {"FromPath": [name], "FromType": "string", "ToKey": name, "ToType": kind}
        for name, kind in (("sort", "string"), ("n", "int"), ("note", "string"))
    ]
    has_note = {"Operation": "ISNULL", "Negated": True, "Values": [column("note")]}
    from_two = {"Operation": "GTE", "Values": [column("n"), constant("2")]}
    not_c = {"Operation": "EQ", "Negated": True, "Values": [column("sort"), constant("c")]}
    is_a = {"Operation": "REGEX", "Values": [column("sort"), constant("^a$")]}
    policy = {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE"}
    sold = {"Database": "db", "Table": "sold", "PartitionKeys": [["sort"]], "SchemaChangePolicy": policy}
    query = "SELECT kind, `sum(n)` AS total, `count(DISTINCT n)` AS many, 'it\\'s''''' AS word FROM sums"
    aggregates = [{"Column": ["n"], "AggFunc": function} for function in ("sum", "countDistinct")]
    nodes: dict[str, Any] = {
        "csv": node("S3CsvSource", OutputSchemas=schema, **csv),
        "distinct": node("DropDuplicates", "csv", Columns=[["kind"], ["n"]]),
        "renamed": node("RenameField", "distinct", SourcePath=["kind"], TargetPath=["sort"]),
        "typed": node("ApplyMapping", "renamed", Mapping=mapping),
        "prices": node("S3ParquetSource", Paths=[f"{root}/parquet/"]),
        "either": node("Filter", "typed", LogicalOperator="OR", Filters=[is_a, from_two]),
        "both": node("Filter", "either", LogicalOperator="AND", Filters=[not_c, has_note]),
        "both-out": json_target("both", "filtered", Compression="gzip"),
        "outer": joined("outer"),
        "outer-out": node("S3GlueParquetTarget", "outer", Path=f"{root}/out/outer/"),
        "left": joined("left"),
        "two": node("SelectFields", "left", Paths=[["sort"], ["price"]]),
        "left-out": json_target("two", "left", PartitionKeys=[["sort"]]),
        "anti": joined("leftanti"),
        "three": node("DropFields", "anti", Paths=[["note"]]),
        "anti-out": node("S3GlueParquetTarget", "three", Path=f"{root}/out/anti/", PartitionKeys=[["sort"]]),
        "split": node("SplitFields", "typed", Paths=[["n"]]),
        "texts": node("SelectFromCollection", "split", Index=1),
        "texts-out": node("CatalogTarget", "texts", Database="db", Table="texts"),
        "custom": node("CustomCode", "typed prices", ClassName="Double", Code=CUSTOM),
        "doubled": node("SelectFromCollection", "custom", Index=0),
        "doubled-out": node("S3CatalogTarget", "doubled", **sold),
        "cleaned": node("DropNullFields", "typed", NullTextList=[{"Value": text, "Datatype": TEXT} for text in "xz"]),
        "cleaned-out": json_target("cleaned", "cleaned", NumberTargetPartitions="1"),
        "merged": node("Merge", "three typed", Source="typed", PrimaryKeys=[["sort"]]),
        "merged-out": json_target("merged", "merged"),
        "json": node("S3JsonSource", Paths=[f"{root}/json/"]),
        "once": node("Union", "json json", UnionType="DISTINCT"),
        "all": node("Union", "json once", UnionType="ALL"),
        "sums": node("Aggregate", "all", Groups=[["kind"]], Aggs=aggregates),
        "sql": node("SparkSQL", "sums", SqlQuery=query, SqlAliases=[{"From": "sums", "Alias": "sums"}]),
        "sql-out": json_target("sql", "sql"),
    }
    command = {"Name": "glueetl", "ScriptLocation": f"{root}/scripts/all.py"}
    lab.glue.create_job(Name="all", Role=lab.role, Command=command, CodeGenConfigurationNodes=nodes)
    run = lab.run("all")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    a, b, c = {"sort": "a", "n": 1, "note": "x"}, {"sort": "b", "n": 2}, {"sort": "c", "n": 3, "note": "z"}
    assert rows(lab, "out/filtered/") == [a]
    assert rows(lab, "out/cleaned/") == [{"sort": sort, "n": n} for sort, n in (("a", 1), ("b", 2), ("c", 3))]
    assert len(lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix="out/cleaned/")["Contents"]) == 1
    assert rows(lab, "out/merged/") == [a, b, {"sort": "c", "n": 3}]  # that of the node anti took the place of c
    no_sale = {"sort": None, "n": None, "note": None}
    assert rows(lab, "out/outer/") == [
        a | {"what": "a", "price": 1.5},
        b | {"note": None, "what": "b", "price": 2.5},
        c | {"what": None, "price": None},
        no_sale | {"what": "d", "price": 4.0},
    ]
    assert [rows(lab, f"out/left/sort={kind}/") for kind in "abc"] == [[{"price": 1.5}], [{"price": 2.5}], [{}]]
    assert rows(lab, "out/anti/") == rows(lab, "out/anti/sort=c/") == [{"n": 3}]
    texts = [{"sort": "a", "note": "x"}, {"sort": "b", "note": None}, {"sort": "c", "note": "z"}]
    assert rows(lab, "texts/") == texts
    assert rows(lab, "out/sql/") == [{"kind": "x", "total": 6, "many": 2, "word": "it's"}]
    assert rows(lab, "sold/sort=b/") == [{"n": 2, "note": None, "twice": 4}]
    found = lab.glue.get_partitions(DatabaseName="db", TableName="sold")["Partitions"]
    assert sorted(partition["Values"] for partition in found) == [["a"], ["b"], ["c"]]
    made = lab.glue.get_table(DatabaseName="db", Name="sold")["Table"]["StorageDescriptor"]["Columns"]
    assert [(each["Name"], each["Type"]) for each in made] == [("n", "int"), ("note", "string"), ("twice", "int")]

"""awsglue's DynamicFrame and transforms: expected values from the examples of the AWS Glue Developer Guide."""

import json
import random

import pytest
from pyspark.sql import functions as F

from tests.engines.awsglue_spark import glue_context


@pytest.fixture(scope="module")
def glue(tmp_path_factory):
    with glue_context("http://127.0.0.1:9", "123456789012", tmp_path_factory.mktemp("spark")) as context:
        yield context


@pytest.fixture
def frame(glue, tmp_path):
    """A DynamicFrame of JSON lines, read as from_options reads them."""

    def make(*records, name="frame"):
        path = tmp_path / f"{name}.json"
        path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
        return glue.create_dynamic_frame.from_options("file", {"paths": [str(path)]}, "json")

    return make


def schema_of(frame, capsys) -> str:
    capsys.readouterr()
    frame.printSchema()
    return capsys.readouterr().out.rstrip("\n")


def rows(frame) -> list[dict]:
    found = [row.asDict(recursive=True) for row in frame.toDF().collect()]
    return sorted(found, key=lambda row: json.dumps(row, default=str, sort_keys=True))


PEOPLE = [
    {"name": "Nancy", "age": 47, "friends": ["Fred", "Lakshmi"]},
    {"name": "Stephanie", "age": 28, "friends": ["Yao", "Phil", "Alvin"]},
    {"name": "Nathan", "age": 54, "friends": ["Nicolai", "Karen"]},
]
SALLY = {"name": "Sally", "age": 36, "address": {"state": "NE", "city": "Omaha", "zip": 68102}}


def test_print_schema_is_glues_own_form(frame, capsys):
    person = {"family_name": "Collins", "links": [{"note": "website", "url": "http://x"}], "seats": 3, "big": 2**40}
    assert schema_of(frame(person), capsys) == (
        "root\n"
        "|-- big: long\n"
        "|-- family_name: string\n"
        "|-- links: array\n"
        "|    |-- element: struct\n"
        "|    |    |-- note: string\n"
        "|    |    |-- url: string\n"
        "|-- seats: int"
    )


def test_schema_gives_gluetypes(frame):
    from awsglue import gluetypes

    schema = frame(SALLY).schema()
    assert isinstance(schema.getField("address").dataType, gluetypes.StructType)
    assert schema.getField("age").dataType == gluetypes.IntegerType()
    assert gluetypes.StructType.fromJsonValue(schema.jsonValue()) == schema


def test_show_prints_json_records(frame, capsys):
    frame({"a": 1, "b": "ä"}).show()
    assert capsys.readouterr().out == '{"a": 1, "b": "ä"}\n'


def test_conflicting_types_are_a_choice(frame, capsys):
    made = frame({"id": 1, "provider": 10001}, {"id": 2, "provider": "INC"}, {"id": 3, "provider": 2**40})
    assert schema_of(made, capsys) == ("root\n|-- id: int\n|-- provider: choice\n|    |-- long\n|    |-- string")
    assert [row["provider"] for row in sorted(rows(made), key=lambda row: row["id"])] == [
        {"long": 10001, "string": None},
        {"long": None, "string": "INC"},
        {"long": 2**40, "string": None},
    ]


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        ([("provider", "cast:long")], [{"provider": 7}, {"provider": None}]),
        ([("provider", "cast:string")], [{"provider": "7"}, {"provider": "INC"}]),
        ([("provider", "project:string")], [{"provider": "7"}, {"provider": "INC"}]),
        ([("provider", "project:int")], [{"provider": 7}, {"provider": None}]),
        (
            [("provider", "make_cols")],
            [{"provider_int": 7, "provider_string": None}, {"provider_int": None, "provider_string": "INC"}],
        ),
        (
            [("provider", "make_struct")],
            [{"provider": {"int": 7, "string": None}}, {"provider": {"int": None, "string": "INC"}}],
        ),
    ],
)
def test_resolve_choice_actions(frame, specs, expected):
    made = frame({"provider": 7}, {"provider": "INC"})
    resolved = made.resolveChoice(specs=specs)
    assert [row.asDict(recursive=True) for row in resolved.toDF().collect()] == expected
    by_choice = made.resolveChoice(choice=specs[0][1])
    assert rows(by_choice) == rows(resolved)


def test_resolve_choice_in_a_struct_and_bad_actions(frame, capsys):
    made = frame({"user": {"id": 1}}, {"user": {"id": "x"}})
    assert schema_of(made.resolveChoice(specs=[("user.id", "cast:int")]), capsys) == (
        "root\n|-- user: struct\n|    |-- id: int"
    )
    with pytest.raises(ValueError, match="Invalid resolve action: cast"):
        made.resolveChoice(choice="cast")
    with pytest.raises(ValueError, match="Only one of specs and choice"):
        made.resolveChoice(specs=[("user.id", "cast:int")], choice="make_cols")


def test_to_df_options(frame):
    from awsglue.dynamicframe import ResolveOption
    from awsglue.gluetypes import DoubleType

    made = frame({"a": 1}, {"a": "2.5"})
    option = ResolveOption("a", "Cast", DoubleType())
    assert [row["a"] for row in made.toDF([option]).collect()] == [1.0, 2.5]


def test_apply_mapping_of_the_guide(frame, capsys):
    mapped = frame(SALLY).apply_mapping(
        [
            ("name", "string", "name", "string"),
            ("age", "int", "age", "int"),
            ("address.state", "string", "state", "string"),
            ("address.zip", "int", "zip", "int"),
        ]
    )
    assert schema_of(mapped, capsys) == "root\n|-- name: string\n|-- age: int\n|-- state: string\n|-- zip: int"
    nested = mapped.apply_mapping(
        [
            ("name", "string", "name", "string"),
            ("state", "string", "address.state", "string"),
            ("zip", "int", "address.zip", "int"),
        ]
    )
    assert rows(nested) == [{"name": "Sally", "address": {"state": "NE", "zip": 68102}}]


def test_apply_mapping_casts_renames_and_drops(glue):
    from awsglue.dynamicframe import DynamicFrame
    from awsglue.transforms import ApplyMapping

    df = glue.spark_session.createDataFrame(
        [("1", "bad", "75091")], "order_id string, `this.old.name` string, zipcode string"
    )
    mapped = ApplyMapping.apply(
        frame=DynamicFrame.fromDF(df, glue, "orders"),
        mappings=[
            ("order_id", "String", "order_id", "Long"),
            ("`this.old.name`", "string", "thisNewName", "int"),
            ("this.old.name", "string", "not_quoted", "string"),
            ("ZIPCODE", "string", "`(right) zip`", "bigint"),
        ],
    )
    assert rows(mapped) == [{"order_id": 1, "thisNewName": None, "(right) zip": 75091}]
    with pytest.raises(ValueError, match="Unsupported type: number"):
        mapped.apply_mapping([("order_id", "long", "order_id", "number")])


def test_join_keeps_both_keys_with_a_dot(glue):
    from awsglue.dynamicframe import DynamicFrame
    from awsglue.transforms import DropFields, Join

    spark = glue.spark_session
    left = DynamicFrame.fromDF(
        spark.createDataFrame([("a", 1), ("b", 2), ("c", 0)], "uuid string, track_id int"), glue, "l"
    )
    right = DynamicFrame.fromDF(
        spark.createDataFrame([("1", "One"), ("2", "Two")], "track_id string, track_name string"), glue, "r"
    )
    joined = Join.apply(left, right, "track_id", "track_id")
    assert joined.toDF().columns == ["uuid", "track_id", ".track_id", "track_name"]
    assert rows(joined) == [
        {"uuid": "a", "track_id": 1, ".track_id": "1", "track_name": "One"},
        {"uuid": "b", "track_id": 2, ".track_id": "2", "track_name": "Two"},
    ]
    assert DropFields.apply(joined, ["`.track_id`"]).toDF().columns == ["uuid", "track_id", "track_name"]
    assert DropFields.apply(joined, ["not_there"]).count() == 2
    assert left.join(["track_id"], ["track_id"], left).count() == 3
    with pytest.raises(ValueError, match="Field track does not exist"):
        Join.apply(left, right, "track", "track_id")
    with pytest.raises(ValueError, match="same number of keys"):
        Join.apply(left, right, ["track_id", "uuid"], ["track_id"])


def test_select_drop_and_rename_nested_fields(frame, capsys):
    made = frame(SALLY)
    assert rows(made.select_fields(["name", "address.city", "nothing"])) == [
        {"name": "Sally", "address": {"city": "Omaha"}}
    ]
    assert rows(made.drop_fields(["address.zip", "age"])) == [
        {"name": "Sally", "address": {"state": "NE", "city": "Omaha"}}
    ]
    renamed = made.rename_field("address.state", "address.state_code").rename_field("address.city", "town")
    assert rows(renamed) == [
        {"name": "Sally", "age": 36, "town": "Omaha", "address": {"state_code": "NE", "zip": 68102}}
    ]
    lists = frame({"list": [{"price": 1, "tax": 2}]}, name="lists")
    assert rows(lists.drop_fields(["list[].tax"])) == [{"list": [{"price": 1}]}]


def test_split_fields_and_rows(frame):
    from awsglue.transforms import SelectFromCollection, SplitRows

    made = frame({"age": 15, "name": "b"}, {"age": 10, "name": "a"}, {"age": None, "name": "n"})
    parts = SplitRows.apply(made, {"age": {">": 10, "<": 20}}, "between", "others")
    assert list(parts.keys()) == ["between", "others"]
    assert rows(SelectFromCollection.apply(dfc=parts, key="between")) == [{"age": 15, "name": "b"}]
    assert sorted(row["name"] for row in rows(parts.select("others"))) == ["a", "n"]
    fields = made.split_fields(["name"], "names", "rest")
    assert fields.select("names").toDF().columns == ["name"]
    assert fields.select("rest").toDF().columns == ["age"]
    with pytest.raises(ValueError, match="Invalid comparator ~"):
        made.split_rows({"age": {"~": 1}})


def test_relationalize_of_the_guide(frame, tmp_path):
    frames = frame(*PEOPLE).relationalize("people", str(tmp_path / "staging"))
    assert sorted(frames.keys()) == ["people", "people_friends"]
    root = {row["name"]: row["friends"] for row in rows(frames.select("people"))}
    assert len(set(root.values())) == 3
    friends = [(row["id"], row["index"], row["friends.val"]) for row in rows(frames.select("people_friends"))]
    expected = [(root[person["name"]], i, friend) for person in PEOPLE for i, friend in enumerate(person["friends"])]
    assert sorted(friends) == sorted(expected)


def test_relationalize_nested(frame, tmp_path):
    record = {"id": 1, "contact": [{"type": "fax", "tags": [{"k": "a"}, {"k": "b"}]}], "address": {"city": "Omaha"}}
    frames = frame(record, {"id": 2}).relationalize("root", str(tmp_path / "staging"))
    assert sorted(frames.keys()) == ["root", "root_contact", "root_contact.val.tags"]
    assert frames.select("root").toDF().where("id = 2").first()["contact"] is None
    assert frames.select("root").toDF().columns == ["address.city", "contact", "id"]
    contact = frames.select("root_contact").toDF()
    assert contact.columns == ["id", "index", "contact.val.tags", "contact.val.type"]
    tags = frames.select("root_contact.val.tags").toDF()
    assert [tuple(row)[1:] for row in tags.orderBy("index").collect()] == [(0, "a"), (1, "b")]
    assert tags.first()["id"] == contact.first()["contact.val.tags"]


def test_relationalize_keeps_fields_of_type_null(frame, tmp_path, capsys):
    made = frame({"id": 1, "none": None, "tags": [{"k": "a", "q": None}, {"k": "b"}], "in": {"void": None, "list": []}})
    frames = made.relationalize("root", str(tmp_path / "staging"))
    (root,) = rows(frames.select("root"))
    assert {name: root[name] for name in ("id", "none", "in.void")} == {"id": 1, "none": None, "in.void": None}
    assert "none: null" in schema_of(frames.select("root"), capsys)
    assert [(row["tags.val.k"], row["tags.val.q"]) for row in rows(frames.select("root_tags"))] == [
        ("a", None),
        ("b", None),
    ]


def test_unnest_and_unbox_of_the_guide(glue, capsys):
    from awsglue.dynamicframe import DynamicFrame
    from awsglue.transforms import DropNullFields, Unbox, UnnestFrame

    warehouses = [
        ("TX_WAREHOUSE", '{ "strawberry":220, "pineapple":560, "mango":350, "pears":null}'),
        ("CA_WAREHOUSE", '{ "strawberry":34, "pineapple":123, "mango":42, "pears":null}'),
        ("CO_WAREHOUSE", '{ "strawberry":340, "pineapple":180, "mango":2, "pears":null}'),
    ]
    df = glue.spark_session.createDataFrame(warehouses, "warehouse_loc string, data string")
    unboxed = Unbox.apply(frame=DynamicFrame.fromDF(df, glue, "warehouse"), path="data", format="json")
    assert schema_of(unboxed, capsys) == (
        "root\n|-- warehouse_loc: string\n|-- data: struct\n"
        "|    |-- mango: int\n|    |-- pears: null\n|    |-- pineapple: int\n|    |-- strawberry: int"
    )
    unnested = UnnestFrame.apply(frame=unboxed)
    assert unnested.toDF().columns == ["warehouse_loc", "data.mango", "data.pears", "data.pineapple", "data.strawberry"]
    dropped = DropNullFields.apply(frame=unnested)
    assert dropped.toDF().columns == ["warehouse_loc", "data.mango", "data.pineapple", "data.strawberry"]
    halves = dropped.split_rows({"`data.pineapple`": {">": 100, "<": 200}}, "pa_200_less", "pa_200_more")
    assert [row["warehouse_loc"] for row in rows(halves.select("pa_200_more"))] == ["TX_WAREHOUSE"]


def test_unbox_with_choice_csv_and_refusals(glue, capsys):
    from awsglue.dynamicframe import DynamicFrame
    from awsglue.gluetypes import Field, IntegerType, StringType, StructType

    df = glue.spark_session.createDataFrame(
        [('{"a": 1}', "1|x"), ('{"a": "y"}', "2|z"), ("broken", None)], "j string, c string"
    )
    made = DynamicFrame.fromDF(df, glue, "f")
    unboxed = made.unbox("j", "json")
    assert schema_of(unboxed.select_fields("j"), capsys) == (
        "root\n|-- j: struct\n|    |-- a: choice\n|    |    |-- int\n|    |    |-- string"
    )
    assert [row["j"] for row in unboxed.resolveChoice(choice="cast:string").toDF().collect()] == [("1",), ("y",), None]
    schema = StructType([Field("n", IntegerType()), Field("t", StringType())])
    parsed = made.unbox("c", "csv", separator="|", withSchema=json.dumps(schema.jsonValue()))
    assert [row["c"] for row in parsed.toDF().collect()] == [(1, "x"), (2, "z"), None]
    with pytest.raises(NotImplementedError, match="docs.aws.amazon.com"):
        made.unbox("j", "xml")
    with pytest.raises(ValueError, match="Field nothing does not exist"):
        made.unbox("nothing", "json")


def test_filter_and_map_by_function(frame, capsys):
    from awsglue.transforms import Filter, Map

    made = frame(
        {"Provider City": "SACRAMENTO", "Provider State": "CA", "n": 1},
        {"Provider City": "MONTGOMERY", "Provider State": "AL", "n": 2},
        {"Provider City": "OMAHA", "Provider State": "NE", "n": None},
    )
    kept = Filter.apply(frame=made, f=lambda x: x["Provider State"] in ["CA", "AL"] and x.n < 5)
    assert sorted(row["n"] for row in rows(kept)) == [1, 2]

    def merge_address(rec):
        rec["Address"] = {}
        rec["Address"]["City"] = rec["Provider City"]
        rec["Address"]["Array"] = [rec["Provider City"], rec["Provider State"]]
        del rec["Provider City"]
        del rec["Provider State"]
        return rec

    mapped = Map.apply(frame=made, f=merge_address)
    assert schema_of(mapped, capsys) == (
        "root\n|-- n: int\n|-- Address: struct\n|    |-- City: string\n|    |-- Array: array\n|    |    |-- element: string"
    )
    assert mapped.count() == 3
    mixed = made.map(lambda rec: {"value": rec["n"] if rec["n"] == 1 else "none"})
    assert schema_of(mixed, capsys) == "root\n|-- value: choice\n|    |-- int\n|    |-- string"


def test_errors_of_functions_and_broken_lines(frame):
    made = frame({"a": 1}, '{"a": 2, "b', {"a": 0})
    assert made.count() == 2
    assert made.errorsCount() == 1
    assert made.stageErrorsCount() == 1
    divided = made.map(lambda rec: {"x": 10 // rec["a"]})
    assert rows(divided) == [{"x": 10}]
    assert (divided.stageErrorsCount(), divided.errorsCount()) == (1, 2)
    messages = sorted(row["error"]["msg"] for row in rows(divided.errorsAsDynamicFrame()))
    assert messages == ["ZeroDivisionError: integer division or modulo by zero", "error in jackson reader"]
    filtered = made.filter(lambda rec: rec["missing"] > 1)
    assert (filtered.count(), filtered.stageErrorsCount()) == (0, 2)
    with pytest.raises(RuntimeError, match="1 errors reached the threshold of 1"):
        made.map(lambda rec: {"x": 10 // rec["a"]}, stageThreshold=1).toDF()
    assert made.map(lambda rec: {"x": 10 // rec["a"]}, stageThreshold=2).count() == 1


def test_merge_union_and_duplicates(frame):
    from awsglue.transforms import DropDuplicates, Union

    source = frame({"id": 1, "v": "old"}, {"id": 1, "v": "old2"}, {"id": 2, "v": "kept"}, name="source")
    stage = frame({"id": 1, "v": "new"}, {"id": 3, "v": "added"}, name="stage")
    merged = source.mergeDynamicFrame(stage, ["id"])
    assert rows(merged) == [{"id": 1, "v": "new"}, {"id": 2, "v": "kept"}, {"id": 3, "v": "added"}]
    other = frame({"id": "x", "more": True}, name="other")
    union = Union.apply(source, other)
    assert {f.name: f.dataType.typeName() for f in union.schema()} == {"id": "choice", "v": "string", "more": "boolean"}
    assert union.count() == 4
    assert DropDuplicates.apply(source, columns=["id"]).count() == 2


def test_collections(frame):
    from awsglue.dynamicframe import DynamicFrameCollection
    from awsglue.transforms import FlatMap, MapToCollection, RenameField, SplitRows

    made = frame({"a": 1}, {"a": 2})
    collection = DynamicFrameCollection({"one": made, "two": made}, made.glue_ctx)
    renamed = MapToCollection.apply(collection, RenameField.apply, old_name="a", new_name="b")
    assert [frame.toDF().columns for frame in renamed.values()] == [["b"], ["b"]]
    flat = FlatMap.apply(collection, SplitRows, "frame", comparison_dict={"a": {">": 1}}, name1="high", name2="low")
    assert sorted(flat.keys()) == ["one_high", "one_low", "two_high", "two_low"]
    with pytest.raises(KeyError):
        collection.select("three")


def test_spigot_writes_a_sample(frame, tmp_path):
    made = frame(*[{"a": i} for i in range(50)])
    assert made.spigot(str(tmp_path / "sample"), {"topk": 10}).count() == 50
    lines = [line for file in (tmp_path / "sample").iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == 10


def test_from_rdd(glue, capsys):
    data = glue.spark_session.sparkContext.parallelize([{"a": 1, "b": [1, 2]}, {"a": None, "c": "x"}])
    made = glue.create_dynamic_frame.from_rdd(data, "rdd")
    assert schema_of(made, capsys) == "root\n|-- a: int\n|-- b: array\n|    |-- element: int\n|-- c: string"


def test_csv_options(glue, tmp_path, capsys):
    (tmp_path / "a.csv").write_text('a|b\n1|"x|y"\n2|z\n')
    options = {"separator": "|", "withHeader": True}
    made = glue.create_dynamic_frame.from_options("file", {"paths": [str(tmp_path / "a.csv")]}, "csv", options)
    assert rows(made) == [{"a": "1", "b": "x|y"}, {"a": "2", "b": "z"}]
    made = glue.create_dynamic_frame.from_options(
        "file", {"paths": [str(tmp_path / "a.csv")]}, "csv", {"skipFirst": "true"}
    )
    assert made.toDF().columns == ["col0"]
    assert made.count() == 2


def test_xml_has_choices_and_types_or_those_of_a_schema(glue, tmp_path, capsys):
    from awsglue.gluetypes import ArrayType, Field, IntegerType, StringType, StructType

    (tmp_path / "a.xml").write_text("<r><b id='1'><n>7</n><t>x</t></b><b id='2'><n>seven</n><t>x</t><t>y</t></b></r>")
    (tmp_path / "b.xml").write_text("<r><b id='3'><n>8</n></b></r>")
    given = {"paths": [str(tmp_path)]}
    made = glue.create_dynamic_frame.from_options("file", given, "xml", {"rowTag": "b"})
    assert schema_of(made, capsys).splitlines()[1:] == [
        "|-- _id: int",
        "|-- n: choice",
        "|    |-- int",
        "|    |-- string",
        "|-- t: choice",
        "|    |-- array",
        "|    |    |-- element: string",
        "|    |-- string",
    ]
    fields = [Field("n", StringType()), Field("t", ArrayType(StringType())), Field("_id", IntegerType())]
    schema = json.dumps(StructType(fields).jsonValue())
    made = glue.create_dynamic_frame.from_options("file", given, "xml", {"rowTag": "b", "withSchema": schema})
    assert sorted(map(tuple, made.toDF().collect())) == [("7", ["x"], 1), ("8", None, 3), ("seven", ["x", "y"], 2)]
    with pytest.raises(ValueError, match="rowTag is required"):
        glue.create_dynamic_frame.from_options("file", given, "xml")


def test_avro_comes_back_as_its_version_has_it(glue, tmp_path):
    from awsglue.dynamicframe import DynamicFrame

    df = glue.spark_session.sql(
        "SELECT 1 AS n, DATE '2026-01-05' AS d, TIMESTAMP '2026-01-05 10:00:00.5' AS t, CAST(1.50 AS DECIMAL(9, 2)) AS c, "
        "NAMED_STRUCT('x', ARRAY(1, NULL), 'm', MAP('k', DATE '2026-01-06')) AS s, 'one' AS part "
        "UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, 'two'"
    )
    made = DynamicFrame.fromDF(df, glue, "all")

    def written(version: str, read: str, **more):
        path = str(tmp_path / f"{version}-{read}")
        to = {"path": path, "partitionKeys": ["part"]}
        glue.write_dynamic_frame.from_options(made, "file", to, "avro", {"version": version, **more})
        given = {"paths": [path], "recurse": True}
        return glue.create_dynamic_frame.from_options("file", given, "avro", {"version": read})

    old = written("1.7", "1.7", compression="deflate")
    found = next(row for row in old.toDF().collect() if row["n"])
    assert found.asDict(recursive=True) == {
        "n": 1,
        "d": "2026-01-05",
        "t": "2026-01-05 10:00:00.5",
        "c": "1.50",
        "s": {"x": [1, None], "m": {"k": "2026-01-06"}},
    }
    types = {field.name: field.dataType.simpleString() for field in written("1.8", "1.8").toDF().schema}
    assert types == {
        "n": "int",
        "d": "date",
        "t": "bigint",
        "c": "decimal(9,2)",
        "s": "struct<x:array<int>,m:map<string,date>>",
    }
    new = next(row for row in written("1.8", "1.7").toDF().collect() if row["n"])
    assert (new["d"], new["t"], bytes(new["c"])) == (20458, 1767607200500000, (150).to_bytes(2, "big"))
    with pytest.raises(NotImplementedError, match="compression lz4 of Avro"):
        written("1.7", "1.8", compression="lz4")


def test_write_names_compression_and_partitions(frame, glue, tmp_path):
    made = frame({"t": "a", "n": 1}, {"t": "b", "n": 2})
    target = tmp_path / "out"
    glue.write_dynamic_frame.from_options(made, "file", {"path": str(target), "partitionKeys": ["t"]}, "parquet")
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert [name.split("/")[0] for name in files] == ["t=a", "t=b"]
    assert all(name.split("/")[1].startswith("run-") and name.endswith(".snappy.parquet") for name in files)
    assert glue.spark_session.read.parquet(str(target)).where("t = 'b'").first()["n"] == 2
    plain = tmp_path / "json"
    glue.write_dynamic_frame.from_options(made, "file", {"path": str(plain), "compression": "gzip"}, "json")
    assert all(path.name.endswith(".json.gz") for path in plain.iterdir())
    empty = tmp_path / "empty"
    glue.write_dynamic_frame.from_options(made.filter(lambda r: False), "file", {"path": str(empty)}, "parquet")
    assert not empty.exists()


@pytest.mark.parametrize(
    ("call", "page"),
    [
        (lambda g: g.create_dynamic_frame.from_options("mysql", {}, "json"), "aws-glue-programming-etl-connect"),
        (
            lambda g: g.create_dynamic_frame.from_options("s3", {"paths": ["s3://b/"]}, "grokLog"),
            "aws-glue-programming-etl-format",
        ),
        (
            lambda g: g.create_dynamic_frame.from_options("s3", {"paths": ["s3://b/"]}, "ion"),
            "aws-glue-programming-etl-format",
        ),
        (lambda g: g.transition_s3_path("s3://b/", "GLACIER"), "glue-context"),
        (lambda g: g.forEachBatch(None, None), "glue-context"),
    ],
)
def test_what_is_not_there_names_its_page(glue, call, page):
    with pytest.raises(NotImplementedError, match=f"https://docs.aws.amazon.com/glue/latest/dg/.*{page}"):
        call(glue)


def test_machine_learning_is_refused(frame):
    from awsgluedq.transforms import EvaluateDataQuality
    from awsglueml.transforms import FillMissingValues

    with pytest.raises(NotImplementedError, match="fillmissingvalues.html"):
        FillMissingValues.apply(frame=frame({"a": 1}), missing_values_column="a")
    with pytest.raises(NotImplementedError, match="glue-data-quality.html"):
        EvaluateDataQuality.apply(frame=frame({"a": 1}))


def test_resolved_options():
    from awsglue.utils import GlueArgumentError, getResolvedOptions

    argv = [
        "script.py",
        "--JOB_NAME",
        "my_test_Job",
        "--day-partition",
        "p0",
        "--unknown",
        "1",
        "--job-bookmark-option",
    ]
    argv += ["job-bookmark-enable", "--TempDir", "s3://tmp/", "--JOB_RUN_ID", "jr_1"]
    args = getResolvedOptions(argv, ["JOB_NAME", "day_partition"])
    assert args == {
        "JOB_NAME": "my_test_Job",
        "day_partition": "p0",
        "job_bookmark_option": "job-bookmark-enable",
        "TempDir": "s3://tmp/",
        "RedshiftTempDir": "s3://tmp/",
        "JOB_RUN_ID": "jr_1",
    }
    assert getResolvedOptions(["script.py"], [])["job_bookmark_option"] == "job-bookmark-disable"
    with pytest.raises(GlueArgumentError, match="the following arguments are required: --bucket"):
        getResolvedOptions(["script.py"], ["bucket"])
    with pytest.raises(RuntimeError, match="Using reserved arguments JOB_RUN_ID"):
        getResolvedOptions(argv, ["JOB_RUN_ID"])


@pytest.mark.parametrize(
    ("given", "names", "expected"),
    [
        ("--metadata_location x --metadata True", ["metadata_location"], {"metadata_location": "True"}),
        ("--metadata True --metadata-location x", ["metadata_location"], {"metadata_location": "x"}),
        ("--env_name prod --env e", ["env", "env_name"], {"env": "e", "env_name": "prod"}),
        ("--env e --env-name prod", ["env-name", "env"], {"env": "e", "env_name": "prod"}),
        (
            "--metadata m --metadata-location l",
            ["metadata-location", "metadata"],
            {"metadata": "m", "metadata_location": "l"},
        ),
        ("--env=e --other 1", ["env_name"], {"env_name": "e"}),
        ("--JOB_NAME j --TempD s3://t/", ["JOB_NAME"], {"JOB_NAME": "j", "TempDir": "s3://t/"}),
    ],
)
def test_resolved_options_exact_names_and_then_prefixes(given, names, expected):
    """awslabs/aws-glue-libs #22 and #206."""
    from awsglue.utils import getResolvedOptions

    found = getResolvedOptions(["script.py", *given.split()], names)
    assert {name: found[name] for name in expected} == expected


def test_prefix_of_several_options_is_refused():
    from awsglue.utils import GlueArgumentError, getResolvedOptions

    with pytest.raises(GlueArgumentError, match="ambiguous option: --env"):
        getResolvedOptions(["s", "--env", "e", "--env_name", "n", "--env_type", "t"], ["env_name", "env_type"])


@pytest.mark.parametrize("seed", [1, 2])
def test_random_data_against_plain_dataframes(glue, frame, seed):
    from awsglue.transforms import DropFields, Join

    chosen = random.Random(seed)
    events = [
        {"id": i, "track": chosen.randint(0, 20), "t": chosen.choice("ab"), "v": chosen.random()} for i in range(500)
    ]
    tracks = [{"track": i, "name": f"n{i}"} for i in range(1, 21)]
    left, right = frame(*events, name="events"), frame(*tracks, name="tracks")
    ours = DropFields.apply(Join.apply(left, right, "track", "track"), ["t", "`.track`"]).rename_field("v", "value")
    spark = glue.spark_session
    events_df, tracks_df = spark.createDataFrame(events), spark.createDataFrame(tracks)
    plain = (
        events_df.join(tracks_df, "track")
        .drop("t")
        .withColumnRenamed("v", "value")
        .select("id", "track", "value", "name")
    )
    names = ["id", "track", "value", "name"]
    assert ours.toDF().select(names).orderBy("id").collect() == plain.orderBy("id").collect()
    mapped = left.apply_mapping([("v", "double", "n.v", "string"), ("id", "int", "id", "long")]).toDF().orderBy("id")
    expected = events_df.select(F.struct(F.col("v").cast("string").alias("v")).alias("n"), "id").orderBy("id")
    assert mapped.collect() == expected.collect()
    assert (
        left.filter(lambda r: r["v"] > 0.5 and r["t"] == "a").count() == events_df.where("v > 0.5 AND t = 'a'").count()
    )


def test_union_matches_the_fields_of_structs_by_name(glue, frame):
    from awsglue.dynamicframe import DynamicFrame

    left = frame({"id": 1, "s": {"a": 1, "b": 2}, "l": [{"a": 1, "b": 2}]}, name="left")
    right = DynamicFrame.fromDF(
        glue.spark_session.sql(
            "SELECT 2 id, named_struct('b', 20, 'a', 10) s, array(named_struct('b', 20, 'a', 10)) l"
        ),
        glue,
        "right",
    )
    assert rows(left.union(right)) == [
        {"id": 1, "l": [{"a": 1, "b": 2}], "s": {"a": 1, "b": 2}},
        {"id": 2, "l": [{"a": 10, "b": 20}], "s": {"a": 10, "b": 20}},
    ]


def test_union_of_other_types_in_a_struct_is_a_choice(glue, frame, capsys):
    both = frame({"s": {"a": 1}}, name="left").union(frame({"s": {"a": "x"}}, name="right"))
    assert schema_of(both, capsys) == "root\n|-- s: struct\n|    |-- a: choice\n|    |    |-- int\n|    |    |-- string"
    assert rows(both.resolveChoice(specs=[("s.a", "cast:string")])) == [{"s": {"a": "1"}}, {"s": {"a": "x"}}]


def test_a_second_join_with_the_same_names_gets_one_more_dot(frame):
    left, right = frame({"id": 1, "v": "l"}, name="left"), frame({"id": 1, "v": "r"}, name="right")
    joined = left.join("id", "id", right).join("id", "id", right)
    assert rows(joined) == [{"id": 1, "v": "l", ".id": 1, ".v": "r", "..id": 1, "..v": "r"}]


def test_multi_line_json_has_all_objects_of_a_file_and_their_types(glue, tmp_path, capsys):
    (tmp_path / "two.json").write_text('{\n "a": 1\n}\n{\n "a": 2\n}\n')
    (tmp_path / "list.json").write_text('[\n {"a": 3},\n {"a": "x"}\n]')
    read = glue.create_dynamic_frame.from_options("file", {"paths": [str(tmp_path)]}, "json", {"multiLine": True})
    assert schema_of(read, capsys) == "root\n|-- a: choice\n|    |-- int\n|    |-- string"
    assert [row["a"] for row in rows(read.resolveChoice(specs=[("a", "cast:string")]))] == ["1", "2", "3", "x"]


def test_parquet_files_with_other_columns_are_read_whole(glue, tmp_path):
    for name, text in (("one", "SELECT 1 a"), ("two", "SELECT 2 a, 'n' b")):
        glue.spark_session.sql(text).write.parquet(str(tmp_path / name))
    read = glue.create_dynamic_frame.from_options("file", {"paths": [str(tmp_path)], "recurse": True}, "parquet")
    assert rows(read) == [{"a": 1, "b": None}, {"a": 2, "b": "n"}]


def test_csv_without_quotes_and_with_blanks(glue, frame, tmp_path):
    path = tmp_path / "out"
    records = frame({"a": 'say "hi"', "b": " x "})
    glue.write_dynamic_frame.from_options(records, "file", {"path": str(path)}, "csv", {"quoteChar": -1})
    (file,) = [each for each in path.iterdir() if each.is_file()]
    assert file.read_text() == 'a,b\nsay "hi", x \n'


def test_a_frame_without_records_writes_nothing(glue, tmp_path):
    empty = glue.create_dynamic_frame.from_options("file", {"paths": [str(tmp_path / "nothing")]}, "json")
    for kind in ("json", "csv", "parquet"):
        glue.write_dynamic_frame.from_options(empty, "file", {"path": str(tmp_path / kind)}, kind)
        assert not (tmp_path / kind).exists() or list((tmp_path / kind).iterdir()) == []


@pytest.mark.parametrize("made", [5, {1: "x"}, {"x": F}])
def test_map_that_returns_no_record_is_an_error_record(frame, made):
    mapped = frame({"a": 1}).map(lambda record: made)
    assert (mapped.errorsCount(), mapped.count()) == (1, 0)

"""Examples of the AWS Glue Developer Guide's page "DynamicFrame class", with the outputs that it shows.

Names that Glue Studio makes, and awsglue against plain PySpark on random data.
"""

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
def read(glue, tmp_path):
    """A DynamicFrame of a file with this text."""

    def make(text: str, kind="json", options=None, name="frame"):
        path = tmp_path / f"{name}.{kind}"
        path.write_text(text)
        return glue.create_dynamic_frame.from_options("file", {"paths": [str(path)]}, kind, options or {})

    return make


@pytest.fixture
def frame_of(glue):
    from awsglue.dynamicframe import DynamicFrame

    return lambda rows, schema: DynamicFrame.fromDF(glue.spark_session.createDataFrame(rows, schema), glue, "frame")


def tree(frame, capsys) -> list[str]:
    capsys.readouterr()
    frame.printSchema()
    return capsys.readouterr().out.splitlines()


def rows(frame) -> list[tuple]:
    return sorted(map(tuple, frame.toDF().collect()), key=str)


FRIENDS = """\
{"name": "Sally", "age": 23, "location": {"state": "WY", "county": "Fremont"}, "friends": []}
{"name": "Varun", "age": 34, "location": {"state": "NE", "county": "Douglas"}, "friends": [{"name": "Arjun", "age": 3}]}
{"name": "George", "age": 52, "location": {"state": "NY"}, "friends": [{"name": "Fred"}, {"name": "Amy", "age": 15}]}
{"name": "Haruki", "age": 21, "location": {"state": "AK", "county": "Denali"}}
{"name": "Sheila", "age": 63, "friends": [{"name": "Nancy", "age": 22}]}
"""


def test_drop_fields(read, capsys):
    friends = read(FRIENDS)
    assert sorted(tree(friends.select_fields(["age", "friends"]), capsys)) == sorted(
        [
            "root",
            "|-- age: int",
            "|-- friends: array",
            "|    |-- element: struct",
            "|    |    |-- name: string",
            "|    |    |-- age: int",
        ]
    )
    dropped = friends.drop_fields(paths=["age", "location.county", "friends.age"])
    assert sorted(tree(dropped, capsys)) == sorted(
        [
            "root",
            "|-- name: string",
            "|-- location: struct",
            "|    |-- state: string",
            "|-- friends: array",
            "|    |-- element: struct",
            "|    |    |-- name: string",
        ]
    )
    assert dropped.count() == 5


def test_numbers_in_arrays_are_long_where_one_needs_it(read, capsys):
    made = read('{"a": [{"b": [1]}, {}], "n": [[1], [2]]}\n{"a": [{"b": [3000000000, 2]}], "n": [[5]]}\n')
    assert tree(made, capsys) == [
        "root",
        "|-- a: array",
        "|    |-- element: struct",
        "|    |    |-- b: array",
        "|    |    |    |-- element: long",
        "|-- n: array",
        "|    |-- element: array",
        "|    |    |-- element: int",
    ]


def test_errors_as_dynamic_frame(read, capsys):
    """The guide's own file. Its old reader lost record 3 as well, behind the broken one; here that is read."""
    frame = read(
        '{"id": 1, "name": "george", "surname": "washington", "height": 178}\n'
        '{"id": 2, "name": "benjamin", "surname": "franklin",\n'
        '{"id": 3, "name": "alexander", "surname": "hamilton", "height": 171}\n'
        '{"id": 4, "name": "john", "surname": "jay", "height": 190}\n'
    )
    assert [row["id"] for row in frame.toDF().orderBy("id").collect()] == [1, 3, 4]
    assert frame.errorsCount() == 1
    error = frame.errorsAsDynamicFrame().toDF().head()["error"].asDict(recursive=True)
    assert list(error) == ["callsite", "msg", "stackTrace", "input", "bytesread", "source", "dynamicRecord"]
    assert error["msg"] == "error in jackson reader"
    assert error["input"] == '{"id": 2, "name": "benjamin", "surname": "franklin",'


def test_error_of_a_function_says_where_and_for_what(read):
    made = read('{"a": 0}\n{"a": 2}\n').map(lambda rec: {"x": 1 // rec["a"]}, info="halves")
    error = made.errorsAsDynamicFrame().toDF().head()["error"]
    assert error["callsite"]["info"] == "halves"
    assert error["dynamicRecord"] == '{"a": 0}'
    assert "test_awsglue_guide.py" in error["stackTrace"]
    nothing = made.map(lambda rec: None)
    assert nothing.count() == 0
    assert sorted(row["error"]["msg"] for row in nothing.errorsAsDynamicFrame().toDF().collect()) == [
        "ValueError: User-specified function returned None instead of DynamicRecord",
        "ZeroDivisionError: integer division or modulo by zero",
    ]


def test_map_merges_address_fields(read, capsys):
    """The guide's MergeAddress, on one line of its data set."""
    medicare = read(
        "Provider Id,Provider Street Address,Provider City,Provider State,Provider Zip Code\n"
        "10001,1108 ROSS CLARK CIRCLE,DOTHAN,AL,36301\n",
        "csv",
        {"withHeader": True},
    )

    def merge_address(rec):
        rec["Address"] = {}
        rec["Address"]["Street"] = rec["Provider Street Address"]
        rec["Address"]["Zip.Code"] = rec["Provider Zip Code"]
        rec["Address"]["Array"] = [rec["Provider Street Address"], rec["Provider City"]]
        for name in ("Street Address", "City", "State", "Zip Code"):
            del rec[f"Provider {name}"]
        return rec

    mapped = medicare.map(f=merge_address)
    assert sorted(tree(mapped, capsys)) == sorted(
        [
            "root",
            "|-- Provider Id: string",
            "|-- Address: struct",
            "|    |-- Street: string",
            "|    |-- Zip.Code: string",
            "|    |-- Array: array",
            "|    |    |-- element: string",
        ]
    )
    names = mapped.unnest().toDF().columns
    assert names == ["Provider Id", "Address.Street", "Address.Zip.Code", "Address.Array"]
    assert mapped.select_fields(["Address.`Zip.Code`"]).toDF().first()[0]["Zip.Code"] == "36301"


def test_csv_infers_types_when_asked(read, capsys):
    options = {"withHeader": True, "separator": ",", "inferSchema": True}
    assert tree(read("n,t\n1,x\n", "csv", options), capsys) == ["root", "|-- n: int", "|-- t: string"]


def test_field_path_in_an_array(read):
    made = read('{"myList": [{"price": 100.00}, {"price": "$100.00"}]}\n')
    resolved = made.resolveChoice(specs=[("myList[].price", "cast:double")])
    assert [price["price"] for price in resolved.toDF().first()["myList"]] == [100.0, None]


def test_columns_of_a_choice_are_ordinary_columns(read, capsys):
    made = read('{"c": 1}\n{"c": "x"}\n')
    assert tree(made.resolveChoice(choice="make_cols"), capsys) == ["root", "|-- c_int: int", "|-- c_string: string"]
    assert tree(made.resolveChoice(choice="project:string"), capsys) == ["root", "|-- c: string"]


def test_simplify_ddb_json(frame_of, capsys):
    text = "struct<S: string>"
    child = f"struct<M: struct<appName: {text}, packageName: {text}, updatedAt: struct<N: string>>>"
    schema = (
        f"Item struct<parentMap: struct<M: struct<childMap: {child}>>, strings: struct<SS: array<string>>, "
        "numbers: struct<NS: array<string>>, binaries: struct<BS: array<string>>, isDDBJson: struct<BOOL: boolean>, "
        f"nullValue: struct<NULL: boolean>, list: struct<L: array<{text}>>, maps: struct<L: array<struct<M: struct<a: {text}>>>>>"
    )
    values = ((((("app",), ("pack",), ("1",)),),),), (["s"],), (["1"],), (["b"],), (True,), (True,), ([("x",)],)
    record = (((((("app",), ("pack",), ("1",)),),),), *values[1:], ([((("y",),),)],))
    simple = frame_of([(record,)], schema).simplify_ddb_json()
    assert tree(simple, capsys)[:16] == [
        "root",
        "|-- parentMap: struct",
        "|    |-- childMap: struct",
        "|    |    |-- appName: string",
        "|    |    |-- packageName: string",
        "|    |    |-- updatedAt: string",
        "|-- strings: array",
        "|    |-- element: string",
        "|-- numbers: array",
        "|    |-- element: string",
        "|-- binaries: array",
        "|    |-- element: string",
        "|-- isDDBJson: boolean",
        "|-- nullValue: null",
        "|-- list: array",
        "|    |-- element: string",
    ]
    row = simple.toDF().first().asDict(recursive=True)
    assert row["parentMap"] == {"childMap": {"appName": "app", "packageName": "pack", "updatedAt": "1"}}
    assert (row["strings"], row["isDDBJson"], row["nullValue"], row["list"]) == (["s"], True, None, ["x"])
    assert row["maps"] == [{"M": {"a": {"S": "y"}}}]  # a map in a list is not simplified


def test_unnest_ddb_json(frame_of, capsys):
    schema = "Item struct<ColA: struct<S: string>, ColB: struct<S: string>, ColC: struct<N: string>, ColD: struct<L: array<void>>>"
    unnested = frame_of([((("a",), ("b",), ("1",), ([None],)),)], schema).unnest_ddb_json()
    assert tree(unnested, capsys) == [
        "root",
        "|-- ColA: string",
        "|-- ColB: string",
        "|-- ColC: string",
        "|-- ColD: array",
        "|    |-- element: null",
    ]
    key = ("x",)
    item = (((key,),),)  # the attribute m, in it M, in it k
    deep = frame_of([(item,)], "Item struct<m: struct<M: struct<k: struct<S: string>>>>").unnest_ddb_json()
    assert (deep.toDF().columns, rows(deep)) == (["m.k"], [("x",)])


def test_merge_dynamic_frame_keeps_duplicates(frame_of):
    """The guide: records of the staging frame win, duplicates stay, records without a partner stay."""
    low = frame_of([(1, "202-225-3307"), (1, "202-225-5731")], "id int, value string")
    high = frame_of([(20, "fax"), (20, "phone"), (1, "old")], "id int, value string")
    merged = high.mergeDynamicFrame(stage_dynamic_frame=low, primary_keys=["id"])
    assert rows(merged) == [(1, "202-225-3307"), (1, "202-225-5731"), (20, "fax"), (20, "phone")]


def test_join_of_three_frames(frame_of):
    """The guide's legislators: fields keep their names, drop_fields takes the keys away afterwards."""
    persons = frame_of([("p1", "Ann")], "id string, name string")
    memberships = frame_of([("p1", "o1", "member")], "person_id string, organization_id string, role string")
    orgs = frame_of([("o1", "House")], "id string, name string")
    joined = persons.join(paths1=["id"], paths2=["person_id"], frame2=memberships)
    orgs = orgs.rename_field("id", "org_id").rename_field("name", "org_name")
    combined = orgs.join(paths1=["org_id"], paths2=["organization_id"], frame2=joined).drop_fields(
        ["person_id", "org_id"]
    )
    assert combined.toDF().columns == ["org_name", "id", "name", "organization_id", "role"]
    assert rows(combined) == [("House", "p1", "Ann", "o1", "member")]


def test_drop_null_fields_everywhere(read, capsys):
    from awsglue.transforms import DropNullFields

    made = read('{"a": null, "b": {"c": null, "d": 1}}\n')
    assert tree(DropNullFields.apply(made), capsys) == ["root", "|-- b: struct", "|    |-- d: int"]


# names that Glue Studio makes for keys that both sides have: "(right) track_id"


def test_names_with_blanks_and_parentheses(frame_of):
    from awsglue.transforms import ApplyMapping, DropFields, Join, RenameField, SelectFields

    left = frame_of([("u1", 1), ("u2", 2)], "uuid string, track_id int")
    right = frame_of([(1, "One"), (2, "Two")], "track_id int, `track name` string")
    renamed = ApplyMapping.apply(
        frame=right,
        mappings=[
            ("track_id", "int", "`(right) track_id`", "string"),
            ("track name", "string", "`(right) track name`", "string"),
        ],
    )
    assert renamed.toDF().columns == ["(right) track_id", "(right) track name"]
    joined = Join.apply(frame1=left, frame2=renamed, keys1=["track_id"], keys2=["`(right) track_id`"])
    assert rows(joined) == [("u1", 1, "1", "One"), ("u2", 2, "2", "Two")]
    assert Join.apply(left, renamed, ["track_id"], ["(right) track_id"]).count() == 2
    mapped = ApplyMapping.apply(joined, [("`(right) track name`", "string", "name", "string"), ("uuid", "uuid")])
    assert rows(mapped) == [("One", "u1"), ("Two", "u2")]
    assert DropFields.apply(joined, ["`(right) track_id`"]).toDF().columns == ["uuid", "track_id", "(right) track name"]
    assert SelectFields.apply(joined, ["`(right) track name`"]).toDF().columns == ["(right) track name"]
    back = RenameField.apply(joined, "`(right) track name`", "track.name").rename_field("`(right) track_id`", "`a.b`")
    assert back.toDF().columns == ["uuid", "track_id", "a.b", "track"]
    assert [row["track"]["name"] for row in back.toDF().orderBy("uuid").collect()] == ["One", "Two"]
    split = joined.split_fields(["`(right) track_id`"], "keys", "rest")
    assert (split.select("keys").toDF().columns, len(split.select("rest").toDF().columns)) == (["(right) track_id"], 3)
    assert joined.split_rows({"`(right) track_id`": {"=": "1"}}, "one", "other").select("one").count() == 1


# against plain PySpark


@pytest.mark.parametrize("seed", [1, 2])
def test_random_records_against_dataframes(glue, frame_of, seed):
    chosen = random.Random(seed)
    values = [
        (
            chosen.randint(0, 30),
            chosen.choice(["a", "b", None]),
            chosen.choice([None, round(chosen.random(), 3)]),
            (chosen.randint(0, 3), chosen.choice("xyz")),
            [chosen.randint(0, 9) for _ in range(chosen.randint(0, 3))],
        )
        for _ in range(300)
    ]
    schema = "id int, t string, v double, s struct<n: int, w: string>, list array<int>"
    frame, df = frame_of(values, schema), glue.spark_session.createDataFrame(values, schema)
    other = [(chosen.randint(0, 30), chosen.choice("pq")) for _ in range(40)]
    right, right_df = frame_of(other, "id int, k string"), glue.spark_session.createDataFrame(other, "id int, k string")

    def same(ours, plain):
        assert (ours.toDF().columns, rows(ours)) == (plain.columns, sorted(map(tuple, plain.collect()), key=str))

    from awsglue.transforms import ApplyMapping, DropDuplicates, DropFields, Filter, Join, SelectFields

    same(
        ApplyMapping.apply(
            frame, [("v", "double", "v", "string"), ("s.w", "string", "w", "string"), ("id", "int", "n.id", "long")]
        ),
        df.select(
            F.col("v").cast("string"),
            F.col("s.w").alias("w"),
            F.struct(F.col("id").cast("long").alias("id")).alias("n"),
        ),
    )
    same(
        Join.apply(frame, right, "id", "id"),
        df.join(right_df.select(F.col("id").alias(".id"), "k"), F.col("id") == F.col("`.id`")),
    )
    same(DropFields.apply(frame, ["s.n", "list"]), df.select("id", "t", "v", F.struct("s.w").alias("s")))
    same(SelectFields.apply(frame, ["list", "id"]), df.select("list", "id"))
    same(
        Filter.apply(frame, lambda r: r["t"] == "a" and r["s"]["n"] > 1 and 5 not in r["list"]),
        df.where("t = 'a' AND s.n > 1 AND NOT array_contains(list, 5)"),
    )
    same(DropDuplicates.apply(frame.select_fields(["id", "t"])), df.select("id", "t").dropDuplicates())
    assert DropDuplicates.apply(frame, columns=["id", "t"]).count() == df.dropDuplicates(["id", "t"]).count()
    halves = frame.split_rows({"id": {">": 10, "<=": 20}, "v": {">=": 0.5}}, "in", "out")
    same(halves.select("in"), df.where("id > 10 AND id <= 20 AND v >= 0.5"))
    same(halves.select("out"), df.where("NOT coalesce(id > 10 AND id <= 20 AND v >= 0.5, false)"))
    same(frame.unnest(), df.select("id", "t", "v", F.col("s.n").alias("s.n"), F.col("s.w").alias("s.w"), "list"))
    same(
        frame.mergeDynamicFrame(right, ["id"]),
        df.join(right_df, "id", "left_anti").unionByName(right_df, allowMissingColumns=True),
    )


def test_random_relationalize_gives_every_element_back(glue, frame_of, tmp_path):
    chosen = random.Random(3)
    values = [(i, [chosen.randint(0, 99) for _ in range(chosen.randint(0, 4))]) for i in range(200)]
    frames = frame_of(values, "n int, list array<int>").relationalize("root", str(tmp_path / "staging"))
    root = frames.select("root").toDF().withColumnRenamed("list", "key")
    elements = frames.select("root_list").toDF()
    joined = root.join(elements, root["key"] == elements["id"]).select("n", "index", "`list.val`")
    expected = [(n, index, value) for n, list_ in values for index, value in enumerate(list_)]
    assert sorted(map(tuple, joined.collect())) == sorted(expected)
    assert root.count() == 200


@pytest.mark.parametrize("seed", [4])
def test_random_choices_resolve_to_what_was_written(read, seed):
    chosen = random.Random(seed)
    values = [chosen.choice([chosen.randint(-9, 9), chosen.choice(["x", "12", ""]), None]) for _ in range(200)]
    frame = read("".join(json.dumps({"i": i, "c": value}) + "\n" for i, value in enumerate(values)))

    def resolved(action):
        return [
            row[1]
            for row in sorted(
                map(tuple, frame.resolveChoice(specs=[("c", action)]).select_fields(["i", "c"]).toDF().collect())
            )
        ]

    assert resolved("cast:string") == [None if v is None else str(v) for v in values]
    assert resolved("project:int") == [v if isinstance(v, int) else None for v in values]
    assert resolved("cast:int") == [v if isinstance(v, int) else 12 if v == "12" else None for v in values]
    columns = frame.resolveChoice(choice="make_cols").toDF().orderBy("i").collect()
    assert [row["c_int"] for row in columns] == [v if isinstance(v, int) else None for v in values]
    assert [row["c_string"] for row in columns] == [v if isinstance(v, str) else None for v in values]

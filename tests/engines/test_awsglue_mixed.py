"""awsglue on files whose records differ: fields of several kinds, headers in another order, keys that look like patterns."""

import json
import random
import re

import boto3
import pytest

from tests.engines import three_readers
from tests.engines.awsglue_spark import glue_context

ACCOUNT = "300000000009"
BUCKET = "mixed-tests"
DATABASE = "mixed"


@pytest.fixture(scope="module")
def glue(server, tmp_path_factory):
    with glue_context(server.endpoint, ACCOUNT, tmp_path_factory.mktemp("spark")) as context:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        yield context


@pytest.fixture
def folder(request):
    """A prefix of its own for each test."""
    return re.sub(r"\W", "-", request.node.name)


def put(folder: str, **files: str) -> str:
    for name, text in files.items():
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=text.encode())
    return f"s3://{BUCKET}/{folder}/"


def json_lines(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def read(glue, path, kind="json", **options):
    return glue.create_dynamic_frame.from_options("s3", {"paths": [path]}, kind, options)


def tree(frame, capsys) -> list[str]:
    capsys.readouterr()
    frame.printSchema()
    return capsys.readouterr().out.splitlines()[1:]


def records(frame, *columns: str) -> list[tuple]:
    return sorted((tuple(row[name] for name in columns) for row in frame.toDF().collect()), key=str)


# fields of several kinds

PRICES = '{"myList":[{"price":100.00},{"price":"$100.00"}],"columnA":"1"}\n'


def test_choice_in_an_array_of_structs_of_the_guide(glue, folder, capsys):
    frame = read(glue, put(folder, a=PRICES))
    head = ["|-- myList: array", "|    |-- element: struct"]
    choice = ["|    |    |-- price: choice", "|    |    |    |-- double", "|    |    |    |-- string"]
    assert tree(frame, capsys) == [*head, *choice, "|-- columnA: string"]

    def resolved(action):
        return frame.resolveChoice(specs=[("myList[].price", action)])

    made = tree(resolved("make_struct"), capsys)
    assert made[2:5] == [
        "|    |    |-- price: struct",
        "|    |    |    |-- double: double",
        "|    |    |    |-- string: string",
    ]
    assert tree(resolved("make_cols"), capsys)[2:4] == [
        "|    |    |-- price_double: double",
        "|    |    |-- price_string: string",
    ]
    values = {
        action: [element["price"] for element in resolved(action).toDF().first()["myList"]]
        for action in ("cast:double", "cast:string", "project:double", "project:string")
    }
    assert values == {
        "cast:double": [100.0, None],
        "cast:string": ["100.0", "$100.00"],
        "project:double": [100.0, None],
        "project:string": ["100.0", "$100.00"],
    }
    struct = frame.toDF().first()["myList"]
    assert [element["price"].asDict() for element in struct] == [
        {"double": 100.0, "string": None},
        {"double": None, "string": "$100.00"},
    ]


def test_object_beside_text(glue, folder, capsys):
    text = json_lines({"id": 1, "a": {"b": 1}}, {"id": 2, "a": "x"}, {"id": 3, "a": '{"b": 2}'}, {"id": 4})
    frame = read(glue, put(folder, a=text + "broken\n"))
    assert tree(frame, capsys) == [
        "|-- id: int",
        "|-- a: choice",
        "|    |-- string",
        "|    |-- struct",
        "|    |    |-- b: int",
    ]
    assert (frame.count(), frame.errorsCount()) == (4, 1)
    columns = frame.resolveChoice(choice="make_cols")
    assert [line for line in tree(columns, capsys) if "a_" in line] == ["|-- a_string: string", "|-- a_struct: struct"]
    assert records(columns, "id", "a_string") == [(1, None), (2, "x"), (3, '{"b": 2}'), (4, None)]
    assert [row["a_struct"] and row["a_struct"]["b"] for row in columns.toDF().orderBy("id").collect()] == [
        1,
        None,
        None,
        None,
    ]
    assert records(frame.resolveChoice(specs=[("a", "project:struct")]), "id", "a")[0] == (1, (1,))
    # Filter and Map see the value that is there
    assert frame.filter(lambda record: record["a"] == "x").count() == 1


def test_list_beside_object_and_number(glue, folder, capsys):
    frame = read(glue, put(folder, a=json_lines({"v": [{"n": 1}, {"n": 2}]}, {"v": {"n": 3}}, {"v": 5})))
    assert [line.strip("| ") for line in tree(frame, capsys)] == [
        "-- v: choice",
        "-- array",
        "-- element: struct",
        "-- n: int",
        "-- int",
        "-- struct",
        "-- n: int",
    ]
    columns = frame.resolveChoice(specs=[("v", "make_cols")])
    found = [(row["v_array"], row["v_int"], row["v_struct"]) for row in columns.toDF().collect()]
    assert sorted(found, key=str) == sorted([([(1,), (2,)], None, None), (None, 5, None), (None, None, (3,))], key=str)


def test_elements_of_several_types(glue, folder, capsys):
    frame = read(glue, put(folder, a=json_lines({"tags": [1, "x", None, 2.5]}, {"tags": [True]})))
    assert [line.strip("| ") for line in tree(frame, capsys)][1:] == [
        "-- element: choice",
        "-- boolean",
        "-- double",
        "-- string",
    ]
    texts = frame.resolveChoice(specs=[("tags[]", "cast:string")])
    assert records(texts, "tags") == [(["1.0", "x", None, "2.5"],), (["true"],)]
    assert tree(texts, capsys) == ["|-- tags: array", "|    |-- element: string"]
    assert "choice" not in str(tree(frame.resolveChoice(choice="make_struct"), capsys))


def test_choices_inside_of_choices_are_resolved_too(glue, folder, capsys):
    frame = read(glue, put(folder, a=json_lines({"a": {"b": 1}}, {"a": {"b": "x"}}, {"a": "y"})))
    assert str(tree(frame, capsys)).count("choice") == 2
    assert tree(frame.resolveChoice(choice="make_cols"), capsys) == [
        "|-- a_string: string",
        "|-- a_struct: struct",
        "|    |-- b_int: int",
        "|    |-- b_string: string",
    ]


def test_texts_that_look_like_objects_are_texts(glue, folder, capsys):
    text = json_lines({"a": '{"b": 1}', "t": ["[1]", "2", 'say "t": 5']}, {"a": "[x]", "t": []}, {"a": None, "t": None})
    frame = read(glue, put(folder, a=text))
    assert tree(frame, capsys) == ["|-- a: string", "|-- t: array", "|    |-- element: string"]


def test_empty_objects_lists_and_large_numbers_beside_text(glue, folder):
    """Written as it was read, also where there is nothing inside."""
    from awsglue.transforms import DropNullFields

    lines = json_lines({"a": {}, "n": 2**70}, {"a": "x", "n": 1}, {"a": [], "n": {"m": None}})
    frame = read(glue, put(folder, a=lines))
    columns = frame.resolveChoice(choice="make_cols")
    assert records(columns, "a_string") == [("x",), (None,), (None,)]
    assert sorted(row["n_double"] for row in columns.toDF().collect() if row["n_double"] is not None) == [1.0, 2.0**70]
    target = f"s3://{BUCKET}/{folder}-out/"
    glue.write_dynamic_frame.from_options(DropNullFields.apply(columns), "s3", {"path": target}, "parquet")
    assert read(glue, target, "parquet").count() == 3


@pytest.mark.parametrize("seed", [1, 2])
def test_random_records_come_back_whole(glue, folder, seed):
    """Whatever the kinds of a field's values are, each record is as it was written; numbers of one place have one type."""
    chosen = random.Random(seed)

    def value(depth):
        kinds = ["x", '"', "12", 1, 2**40, 2.5, True, None]
        made = chosen.choice([*kinds, *(["list", "object"] if depth else [])])
        if made == "list":
            return [value(depth - 1) for _ in range(chosen.randint(0, 3))]
        return (
            {name: value(depth - 1) for name in chosen.sample("pqr", chosen.randint(1, 3))}
            if made == "object"
            else made
        )

    written = [{"id": number, "v": value(2), "w": value(1)} for number in range(60)]
    seen = {}

    def note(record):
        return {"id": record["id"], "seen": json.dumps(record)}

    mapped = read(glue, put(folder, a=json_lines(*written))).map(note)
    for row in mapped.toDF().collect():
        seen[row["id"]] = json.loads(row["seen"])

    def shown(found):
        """Without the fields that a record does not have."""
        if isinstance(found, dict):
            return {name: shown(inner) for name, inner in found.items() if inner is not None}
        return [shown(inner) for inner in found] if isinstance(found, list) else found

    assert [shown(seen[number]) for number in range(60)] == [shown(record) for record in written]


def table(name: str, columns: dict, location: str, serde: str, parameters=None, more=None, keys=()) -> None:
    storage = {
        "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
        "Location": location,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters or {}},
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    }
    given = {"Name": name, "StorageDescriptor": storage, "Parameters": more or {}, "TableType": "EXTERNAL_TABLE"}
    boto3.client("glue").create_table(
        DatabaseName=DATABASE, TableInput=given | {"PartitionKeys": [{"Name": key, "Type": "string"} for key in keys]}
    )


OPENX = "org.openx.data.jsonserde.JsonSerDe"
OPENCSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


def test_table_whose_records_have_other_kinds(glue, folder, capsys):
    lines = json_lines({"id": 1, "a": {"b": 1}, "n": [1, 2]}, {"id": 2, "a": "x", "n": [3, "four"]})
    columns = {"id": "bigint", "a": "struct<b:int>", "n": "array<int>"}
    table("kinds", columns, put(folder, a=lines + "broken\n"), OPENX, {"paths": "id,a,n"}, {"classification": "json"})
    frame = glue.create_dynamic_frame.from_catalog(DATABASE, "kinds")
    shown = [line.strip("| ") for line in tree(frame, capsys)]
    assert shown == [
        *("-- id: long", "-- a: choice", "-- string", "-- struct", "-- b: int"),
        *("-- n: array", "-- element: choice", "-- int", "-- string"),
    ]
    assert (frame.count(), frame.errorsCount()) == (2, 1)
    matched = frame.resolveChoice(choice="match_catalog", database=DATABASE, table_name="kinds")
    assert matched.toDF().dtypes == [("id", "bigint"), ("a", "struct<b:int>"), ("n", "array<int>")]
    assert records(matched, "id", "a", "n") == [(1, (1,), [1, 2]), (2, None, [3, None])]


def test_unbox_of_documents_of_several_kinds(glue, folder, capsys):
    documents = [json.dumps({"p": [{"q": 1}, {"q": "x"}]}), json.dumps({"p": 5})]
    frame = read(glue, put(folder, a=json_lines(*({"id": i, "d": d} for i, d in enumerate(documents)))))
    unboxed = frame.unbox("d", "json")
    assert str(tree(unboxed, capsys)).count("choice") == 2
    columns = unboxed.resolveChoice(specs=[("d.p", "make_cols")])
    assert [row["d"]["p_int"] for row in columns.toDF().orderBy("id").collect()] == [None, 5]


# CSV files of one path with other headers


def test_values_stay_with_the_names_of_their_own_header(glue, folder):
    path = put(folder, a="name,age\nBob,31\nAlice,45\n", b="age,name\n54,Sam\n", c='city,name\n"Ulm, old",Eva\n', d="")
    frame = read(glue, path, "csv", withHeader=True)
    assert frame.toDF().columns == ["name", "age", "city"]
    assert records(frame, "name", "age", "city") == [
        ("Alice", "45", None),
        ("Bob", "31", None),
        ("Eva", None, "Ulm, old"),
        ("Sam", "54", None),
    ]


def test_other_headers_with_types_separators_and_gzip(glue, folder, capsys):
    import gzip

    path = put(folder, **{"a b.csv": "n|t\n1|x\n", "b[1].csv": "t|n\ny|2\n"})
    packed = gzip.compress(b"t|n\nz|INC\n")
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/c.csv.gz", Body=packed)
    frame = read(glue, path, "csv", withHeader=True, separator="|", inferSchema=True)
    assert tree(frame, capsys) == ["|-- n: choice", "|    |-- int", "|    |-- string", "|-- t: string"]
    assert records(frame.resolveChoice(choice="cast:string"), "n", "t") == [("1", "x"), ("2", "y"), ("INC", "z")]


def test_sign_behind_an_escaper_counts_as_it_is(glue, folder):
    """Guide: "Using the CSV format", escaper: used as it is, except for \\n, \\r, \\t and \\0."""
    path = put(folder, a='id,text\n1,a\\,b\n2,"it\\"s"\n3,x\\ny\n4,\\\\\n5,""\n6,\n', b="text,id\nSam,7\n")
    frame = read(glue, path, "csv", withHeader=True, escaper="\\")
    assert records(frame, "id", "text") == [
        ("1", "a,b"),
        ("2", 'it"s'),
        ("3", "x\ny"),
        ("4", "\\"),
        ("5", ""),
        ("6", None),
        ("7", "Sam"),
    ]
    plain = read(
        glue, put(folder + "-plain", a="x|'a\ny'|\nskip!|ped\n"), "csv", separator="|", quoteChar="'", escaper="!"
    )
    assert plain.toDF().columns == ["col0", "col1"]
    assert records(plain, "col0", "col1") == [("y'", None), ("skip|ped", None), ("x", "a")]
    whole = read(glue, path, "csv", escaper="!", multiLine=True, skipFirst=True)
    assert whole.count() == 7


def test_schema_that_is_given_names_the_columns(glue, folder):
    from awsglue.gluetypes import Field, IntegerType, StringType, StructType

    given = json.dumps(StructType([Field("age", IntegerType()), Field("name", StringType())]).jsonValue())
    path = put(folder, a="name,age\nBob,31\n", b="age,name\n54,Sam\n", c="name\nEva\n")
    frame = read(glue, path, "csv", withHeader=True, withSchema=given)
    assert frame.toDF().columns == ["age", "name"]
    assert records(frame, "name", "age") == [("Bob", 31), ("Eva", None), ("Sam", 54)]
    one = read(glue, path + "a", "csv", withHeader=True, withSchema=given)
    assert records(one, "name", "age") == [("Bob", 31)]
    other = read(glue, put(folder + "-other", a="x,y\n1,z\n"), "csv", withHeader=True, withSchema=given)
    assert records(other, "age", "name") == [(1, "z")]


# keys that look like patterns

ODD = ["orders[1].json", "orders {a,b}.json", "all*.json", "what?.json", "50%.json", "plain.json", "ü[ä].json"]


def test_keys_are_no_patterns(glue, folder):
    path = put(folder, **{name: json_lines({"id": number}) for number, name in enumerate(ODD)})
    put(folder, **{"orders1.json": json_lines({"id": 99}), "allx.json": json_lines({"id": 98}), "a.pdf": "no"})
    options = {"paths": [path], "exclusions": '["**.pdf", "**x.json", "**s1.json"]'}
    frame = glue.create_dynamic_frame.from_options("s3", options, "json")
    assert records(frame, "id") == [(number,) for number in range(len(ODD))]
    for number, name in enumerate(ODD):
        assert records(read(glue, path + name), "id") == [(number,)]
    assert records(read(glue, path + "all*"), "id") == [(2,), (98,)]  # no such key: a pattern


def test_folders_are_no_patterns(glue, folder):
    put(folder, **{"[1]/{a}/f.json": json_lines({"id": 1}), "1/a/f.json": json_lines({"id": 2})})
    location = f"s3://{BUCKET}/{folder}/[1]/{{a}}/"
    assert records(read(glue, location), "id") == [(1,)]
    odd = put(folder + "-parts", **{"[1]/f {x}.json": json_lines({"id": 3}), "1/f.json": json_lines({"id": 4})})
    table("parted", {"id": "int"}, odd, OPENX, {"paths": "id"}, {"classification": "json"}, keys=["p"])
    stored = boto3.client("glue").get_table(DatabaseName=DATABASE, Name="parted")["Table"]["StorageDescriptor"]
    place = {"Values": ["[1]"], "StorageDescriptor": stored | {"Location": f"{odd}[1]/"}}
    boto3.client("glue").create_partition(DatabaseName=DATABASE, TableName="parted", PartitionInput=place)
    assert records(glue.create_dynamic_frame.from_catalog(DATABASE, "parted"), "id", "p") == [(3, "[1]")]
    table("brackets", {"id": "int"}, location, OPENX, {"paths": "id"}, {"classification": "json"})
    assert records(glue.create_dynamic_frame.from_catalog(DATABASE, "brackets"), "id") == [(1,)]


def test_bookmark_of_keys_that_look_like_patterns(glue, folder, tmp_path, monkeypatch):
    from awsglue.job import Job

    path = put(folder, **{name: json_lines({"id": number}) for number, name in enumerate(ODD)})
    table("odd_keys", {"id": "int"}, path, OPENX, {"paths": "id"}, {"classification": "json"})
    monkeypatch.setenv("GLUE_JOB_BOOKMARK_FILE", str(tmp_path / "bookmark.json"))

    def run():
        job = Job(glue)
        job.init("odd", {"job_bookmark_option": "job-bookmark-enable", "JOB_RUN_ID": "jr"})
        given = {"paths": [path]}
        frame = glue.create_dynamic_frame.from_options("s3", given, "json", transformation_ctx="options")
        named = glue.create_dynamic_frame.from_catalog(DATABASE, "odd_keys", transformation_ctx="catalog")
        ids = [
            [row[0] for row in each.toDF().select("id").collect()] if each.toDF().columns else []
            for each in (frame, named)
        ]
        job.commit()
        return [sorted(each) for each in ids]

    try:
        everything = list(range(len(ODD)))
        assert run() == [everything, everything]
        put(folder, **{"late[2].json": json_lines({"id": 50})})
        assert run() == [[50], [50]]
    finally:
        Job(glue).init("odd", {"job_bookmark_option": "job-bookmark-disable"})


# quotes of tables


@pytest.mark.parametrize(
    ("place", "quote", "line", "expected"),
    [
        ("serde", "'", "'a,''b''',1\n", "a,'b'"),
        ("table", "'", "'a,b',1\n", "a,b"),
        ("options", "'", "'a,\"\"b',1\n", 'a,""b'),
        ("table", "-1", '"National,1\n', '"National'),
        ("options", -1, '"National,1\n', '"National'),
    ],
)
def test_quote_sign_of_a_table(glue, folder, place, quote, line, expected):
    """awslabs/aws-glue-libs #2: a lone quote in a table's file."""
    name = folder.lower()
    table(
        name,
        {"t": "string", "n": "int"},
        put(folder, a=line),
        LAZY,
        {"field.delim": ","} | ({"quoteChar": quote} if place == "serde" else {}),
        {"classification": "csv"} | ({"quoteChar": quote} if place == "table" else {}),
    )
    options = {"quoteChar": quote} if place == "options" else {}
    frame = glue.create_dynamic_frame.from_catalog(DATABASE, name, additional_options=options)
    assert records(frame, "t", "n") == [(expected, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('n,t\n1,"a ""b"" c"\n', [("1", 'a "b" c')]),
        ('n,t\n1,"it\\"s, ok"\n2,x\\,y\n3,"a ""b"""\n', [("1", 'it"s, ok'), ("2", "x,y"), ("3", 'a "b"')]),
    ],
)
def test_table_with_the_escape_sign_of_opencsv(glue, folder, text, expected):
    """Quotes are doubled, or stand behind the sign, as in most tables that a custom classifier or Athena made."""
    name = re.sub(r"\W", "_", folder.lower())[-40:]
    path = put(folder, a=text) if len(expected) > 1 else put(folder, **{"p=1/a": text})
    serde = {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"}
    parameters = {"classification": "csv", "skip.header.line.count": "1"}
    table(name, {"n": "string", "t": "string"}, path, OPENCSV, serde, parameters)
    options = {"recurse": True} if len(expected) == 1 else {}
    frame = glue.create_dynamic_frame.from_catalog(DATABASE, name, additional_options=options)
    assert records(frame, "n", "t") == expected


# the same files in the crawler, Athena and awsglue


def test_json_has_one_meaning(glue, folder, tmp_path):
    """Types of the crawler and awsglue, values of Athena and awsglue."""
    for seed in range(8):
        text = json_lines(*three_readers.random_records(seed))
        path = tmp_path / f"{seed}.json"
        path.write_text(text)
        columns = three_readers.crawled(path)
        frame = read(glue, put(f"{folder}/{seed}", a=text)).toDF()
        assert {name.lower(): kind for name, kind in frame.dtypes} == columns, seed
        expected = three_readers.in_order(three_readers.of_athena(path, columns, "openx"))
        assert three_readers.in_order([three_readers.plain(row) for row in frame.collect()]) == expected, seed


def test_csv_has_one_meaning(glue, folder, tmp_path):
    """awsglue reads text; what Athena makes of it with the crawler's types is that text's value."""
    text = "name,amount,rate\nx,1,0.5\n é,-7,2\n12,3000000000,1e3\n,4,\n"
    path = tmp_path / "a.csv"
    path.write_text(text)
    columns = three_readers.crawled(path)
    assert columns == {"name": "string", "amount": "bigint", "rate": "double"}
    frame = read(glue, put(folder, a=text), "csv", withHeader=True).toDF()
    assert {kind for _, kind in frame.dtypes} == {"string"}
    given = [row.asDict() for row in frame.collect()]
    cast = [
        {"name": r["name"] or "", "amount": int(r["amount"]), "rate": float(r["rate"]) if r["rate"] else None}
        for r in given
    ]
    found = three_readers.of_athena(path, columns, "lazy", 1, **{"field.delim": ","})
    assert three_readers.in_order(found) == three_readers.in_order([three_readers.plain(row) for row in cast])

"""Interactive sessions: what the grid shows, previews, steps that are kept and taken back, and who has control."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.databrew.brew_lab import JOIN, UPPER, BrewLab
from tests.polling import until


@pytest.fixture
def lab(client):
    return BrewLab(client)


def refused(call, code, *texts, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for text in texts:
        assert text in error["Message"]


def step(operation, **parameters):
    return {"Action": {"Operation": operation, "Parameters": parameters}}


def names(result):
    return [column["name"] for column in result["columns"]]


def test_the_grid_and_its_headers(lab):
    session = lab.open_project("p")
    project = lab.brew.describe_project(Name="p")
    assert project["SessionStatus"] == "READY"
    assert project["OpenedBy"].endswith(":root")
    grid = lab.act("p", ClientSessionId=session, Preview=True, ViewFrame={"StartColumnIndex": 0})
    assert [(column["name"], column["type"]) for column in grid["columns"]] == [
        ("uuid", "string"),
        ("track_id", "int"),
        ("intensity", "int"),
        ("moved", "boolean"),
    ]
    assert grid["rows"] == [
        ["a", "1", "10", "true"],
        ["b", "2", "20", "false"],
        ["c", "0", "30", "true"],
        ["d", "1", None, None],
    ]
    intensity = grid["columns"][2]["statistics"]
    assert {name: intensity[name] for name in ("valid", "missing", "distinct", "min", "max", "mean", "median")} == {
        "valid": 3,
        "missing": 1,
        "distinct": 3,
        "min": 10,
        "max": 30,
        "mean": 20,
        "median": 20,
    }
    assert sum(bucket["count"] for bucket in intensity["distribution"]) == 3
    assert grid["columns"][3]["statistics"]["topValues"] == [
        {"value": "true", "count": 2},
        {"value": "false", "count": 1},
    ]


def test_a_window_into_the_frame(lab):
    session = lab.open_project("p")
    view = {"StartColumnIndex": 1, "ColumnRange": 2, "HiddenColumns": ["track_id"], "StartRowIndex": 1, "RowRange": 2, "Analytics": "DISABLE"}  # fmt: skip
    grid = lab.act("p", ClientSessionId=session, Preview=True, ViewFrame=view)
    assert names(grid) == ["intensity", "moved"]
    assert grid["rows"] == [["20", "false"], ["30", "true"]]
    assert (grid["rowCount"], grid["columnCount"]) == (4, 3)
    assert "statistics" not in grid["columns"][0]
    far = lab.act("p", ViewFrame={"StartColumnIndex": 99, "StartRowIndex": 99}, Preview=True)
    assert (far["columns"], far["rows"]) == ([], [])


def test_a_preview_keeps_nothing_and_a_step_is_kept(lab):
    lab.open_project("p")
    preview = lab.act("p", RecipeStep=JOIN, Preview=True)
    assert names(preview) == ["uuid", "track_id", "intensity", "moved", "track_name"]
    assert [row[-1] for row in preview["rows"]] == ["One", "Two, too", "One"]
    assert lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"] == []
    kept = lab.act("p", RecipeStep=JOIN)
    assert kept["rows"] == preview["rows"]
    assert lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"] == [JOIN]
    assert lab.act("p", Preview=True)["rows"] == preview["rows"]


def test_steps_go_in_by_index_and_are_taken_back(lab):
    lab.open_project("p", step("RENAME", sourceColumn="uuid", targetColumn="id"))
    upper = step("UPPER_CASE", sourceColumn="uuid")
    assert lab.act("p", RecipeStep=upper, StepIndex=0)["rows"][0][0] == "A"
    steps = lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"]
    assert [one["Action"]["Operation"] for one in steps] == ["UPPER_CASE", "RENAME"]
    before = lab.act("p", StepIndex=1, Preview=True)  # looks back, keeps all
    assert names(before)[0] == "uuid"
    assert names(lab.act("p", Preview=True))[0] == "id"
    undone = lab.act("p", StepIndex=1)
    assert names(undone)[0] == "uuid"
    steps = lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"]
    assert [one["Action"]["Operation"] for one in steps] == ["UPPER_CASE"]
    refused(lab.brew.send_project_session_action, "ValidationException", "beyond", Name="p", StepIndex=2)


def test_what_else_changes_the_recipe_is_seen(lab):
    lab.open_project("p")
    lab.brew.update_recipe(Name="p-recipe", Steps=[step("DELETE", sourceColumn="moved")])
    assert names(lab.act("p", Preview=True)) == ["uuid", "track_id", "intensity"]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (step("UPPER_CASE", sourceColumn="nothing"), "nothing"),
        (step("RENAME", sourceColumn="uuid"), "targetColumn"),
        (step("RENAME", sourceColumn="uuid", targetColumn="moved"), "already exists"),
        (step("FLY"), "FLY"),
        (step("JOIN", **{**JOIN["Action"]["Parameters"], "rightColumns": '["track_id","track_name"]'}), "leftColumns"),
        (step("JOIN", **{**JOIN["Action"]["Parameters"], "secondaryDatasetName": "nothing"}), "nothing"),
        (step("JOIN", **{**JOIN["Action"]["Parameters"], "joinKeys": "[{"}), "joinKeys"),
    ],
)
def test_wrong_steps_change_nothing(lab, wrong, text):
    lab.open_project("p", UPPER)
    refused(lab.brew.send_project_session_action, "ValidationException", text, Name="p", RecipeStep=wrong)
    assert lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"] == [UPPER]
    assert lab.act("p", Preview=True)["rowCount"] == 4


def test_the_101st_step(lab):
    lab.open_project("p", *[UPPER] * 100)
    refused(lab.brew.send_project_session_action, "ServiceQuotaExceededException", "100", Name="p", RecipeStep=UPPER)


def test_control_is_taken_over(lab):
    first = lab.open_project("p")
    refused(lab.brew.start_project_session, "ConflictException", "AssumeControl", Name="p")
    second = lab.open_session("p", AssumeControl=True)
    assert second != first
    act = lab.brew.send_project_session_action
    refused(act, "ConflictException", "took control", Name="p", ClientSessionId=first, RecipeStep=UPPER)
    assert lab.act("p", ClientSessionId=second, RecipeStep=UPPER)["rows"][0][0] == "A"


def test_a_project_without_a_session(lab):
    lab.brew.create_recipe(Name="r", Steps=[])
    lab.brew.create_project(Name="p", DatasetName="raw-dataset", RecipeName="r", RoleArn=lab.role)
    act = lab.brew.send_project_session_action
    refused(act, "ConflictException", "StartProjectSession", Name="p", Preview=True)
    refused(act, "ResourceNotFoundException", "nothing", Name="nothing")
    refused(lab.brew.start_project_session, "ResourceNotFoundException", Name="nothing")


@pytest.mark.parametrize(
    ("key", "body", "text"),
    [
        ("gone/", None, "has no files"),
        ("broken/", '{"a": 1}\n{"a": ', "broken/part.json"),
        ("empty/", "", "has no files"),
    ],
)
def test_data_that_cannot_be_read_fails_the_session(lab, key, body, text):
    if body is not None:
        lab.put(f"{key}part.json", body)
    lab.new_table("t", key, {"a": "int"})
    lab.new_table_dataset("d", "t")
    lab.open_project("p", dataset="d")
    assert lab.brew.describe_project(Name="p")["SessionStatus"] == "FAILED"
    refused(lab.brew.send_project_session_action, "ConflictException", text, Name="p", Preview=True)


def test_the_role_reads_the_data(client):
    lab = BrewLab(client, {"Effect": "Allow", "Action": ["glue:*", "s3:ListBucket"], "Resource": "*"})
    lab.open_project("p")
    refused(lab.brew.send_project_session_action, "ConflictException", "s3:GetObject", Name="p", Preview=True)


def test_samples(lab):
    lab.put("many/part.json", "\n".join(json.dumps({"n": n}) for n in range(1000)))
    lab.new_table("many", "many/", {"n": "int"})
    lab.new_table_dataset("many", "many")
    shown = {}
    for kind in ("FIRST_N", "LAST_N", "RANDOM"):
        lab.open_project(kind, dataset="many", Sample={"Type": kind, "Size": 3})
        shown[kind] = [int(row[0]) for row in lab.act(kind, Preview=True)["rows"]]
    assert shown["FIRST_N"] == [0, 1, 2]
    assert shown["LAST_N"] == [997, 998, 999]
    assert len(set(shown["RANDOM"])) == 3 and shown["RANDOM"] != [0, 1, 2]


def test_tables_of_other_formats_and_with_partitions(lab):
    lab.put("csv/part.csv", 'id,name\n1,"a, b"\nx,c\n')
    lab.new_table(
        "csv", "csv/", {"id": "int", "name": "string"}, "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        **{"separatorChar": ",", "quoteChar": '"', "skip.header.line.count": "1"},
    )  # fmt: skip
    lab.new_table_dataset("csv", "csv")
    lab.open_project("csv", dataset="csv")
    assert lab.act("csv", Preview=True)["rows"] == [["1", "a, b"], [None, "c"]]  # x is no int
    storage = {"Columns": [{"Name": "n", "Type": "int"}], "Location": f"s3://{lab.bucket}/parts/", "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}  # fmt: skip
    lab.glue.create_table(
        DatabaseName="lake",
        TableInput={"Name": "parts", "StorageDescriptor": storage, "PartitionKeys": [{"Name": "day", "Type": "int"}]},
    )
    for day in (1, 2):
        lab.put(f"parts/day={day}/x.json", json.dumps({"N": day * 10}))
        where = {**storage, "Location": f"s3://{lab.bucket}/parts/day={day}/"}
        lab.glue.create_partition(
            DatabaseName="lake", TableName="parts", PartitionInput={"Values": [str(day)], "StorageDescriptor": where}
        )
    lab.new_table_dataset("parts", "parts")
    lab.open_project("parts", dataset="parts")
    assert lab.act("parts", Preview=True)["rows"] == [["10", "1"], ["20", "2"]]


def test_deleting_a_project_ends_its_session(lab):
    lab.open_project("p")
    lab.brew.delete_project(Name="p")
    assert until(lambda: lab.brew.list_projects()["Projects"] == [], "the project's end")
    refused(lab.brew.send_project_session_action, "ResourceNotFoundException", Name="p", Preview=True)


def test_more_sessions_than_have_place_in_memory(lab):
    names = [f"p{number}" for number in range(10)]
    for name in names:
        lab.open_project(name)
    assert [lab.act(name, RecipeStep=UPPER)["rows"][0][0] for name in names] == ["A"] * 10
    assert [lab.act(name, Preview=True)["rows"][0][0] for name in names] == ["A"] * 10

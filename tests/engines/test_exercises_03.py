"""Chapter 03's exercises that are done in Spark: each typical mistake and the solution, in a real GlueContext."""

import pytest

from infra.teaching.exercise import Open, Wrong, find
from tests.engines import awsglue_spark

ACCOUNT = "200000001503"
FOLDERS = [f"partition_{number}" for number in range(4)]
EVENT = "uuid string, track_id int, device_id int, partition_0 string, partition_1 string, partition_2 string, partition_3 string"


@pytest.fixture(scope="module")
def names(server, tmp_path_factory):
    """What the notebook has when it comes to its exercises, with five events, four of which find their track."""
    with awsglue_spark.glue_context(server.endpoint, ACCOUNT, tmp_path_factory.mktemp("spark")) as glue_context:
        from awsglue.dynamicframe import DynamicFrame
        from awsglue.transforms import DropFields, Join

        server.client("s3", ACCOUNT).create_bucket(Bucket="lake-03")
        spark = glue_context.spark_session
        rows = [(f"event-{number}", number % 5, 1, "2026", "01", "05", "09") for number in range(5)]
        raw = DynamicFrame.fromDF(spark.createDataFrame(rows, EVENT), glue_context, "raw")
        titles = spark.createDataFrame([(number, "title") for number in range(1, 5)], "track_id int, track_name string")
        joined = Join.apply(raw, DynamicFrame.fromDF(titles, glue_context, "tracks"), "track_id", "track_id")

        def write(frame, place):
            glue_context.write_dynamic_frame.from_options(
                frame=frame, connection_type="s3", connection_options={"path": place}, format="parquet"
            )

        yield {
            "glue_context": glue_context,
            "spark": spark,
            "DropFields": DropFields,
            "joined": joined,
            "clean": DropFields.apply(frame=joined, paths=[*FOLDERS, "`.track_id`"]),
            "doubled": "s3://lake-03/trials/doubled/",
            "write": write,
        }


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (["partition_0", "`.track_id`"], "A folder is still there: partition_1, partition_2, partition_3."),
        ([*FOLDERS], "One of the two keys is not needed"),
        ([*FOLDERS, ".track_id"], ".track_id is still there: a name with a dot stands in backticks"),
        ([*FOLDERS, "track_id"], "track_id, without the dot, is the event's own key"),
        ([*FOLDERS, "`.track_id`", "device_id"], "device_id is gone too: a fact about the event"),
    ],
)
def test_fields_that_are_dropped_wrongly(names, answer, sentence):
    with pytest.raises(Wrong) as told:
        find("3.1").judge(answer, names)
    assert sentence in str(told.value)


def test_the_five_fields(names):
    exercise = find("3.1")
    exec(exercise.solution, names)
    assert exercise.judge(names["answer_3_1"], names).startswith(
        "The folders and the second key are gone; 4 fields stay."
    )


def test_a_folder_that_was_written_twice(names):
    exercise, spark, write, place = find("3.3"), names["spark"], names["write"], names["doubled"]

    def said():
        with pytest.raises(Wrong) as told:
            exercise.judge(None, names)
        return str(told.value)

    assert "No files are there any more" in said()
    for _ in range(2):
        write(names["clean"], place)
    with pytest.raises(Open):
        exercise.judge(None, names)
    write(names["clean"], place)
    assert said().startswith("3 times each: a write adds")
    names["clean"].toDF().limit(3).write.mode("overwrite").parquet(place)
    assert "1 events are gone" in said()
    exec(exercise.solution, names)
    assert exercise.judge(None, names).startswith("4 events, each once.")
    assert spark.read.parquet(place).count() == 4

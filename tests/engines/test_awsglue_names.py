"""Every name of the AWS Glue Developer Guide's pages on PySpark is there, and what does not work refuses with its page.

The lists were written by hand from the pages named beside them.
"""

import importlib
import sys

import pytest

from infra.engines.spark.options import PYTHON_FOLDER

GUIDE = r"https://docs\.aws\.amazon\.com/glue/latest/dg/[\w-]+\.html"

# aws-glue-api-crawler-pyspark-extensions-dynamic-frame
DYNAMIC_FRAME = """
fromDF toDF count schema printSchema show repartition coalesce
apply_mapping drop_fields filter join map mergeDynamicFrame relationalize rename_field resolveChoice select_fields
simplify_ddb_json spigot split_fields split_rows unbox union unnest unnest_ddb_json write
assertErrorThreshold errorsAsDynamicFrame errorsCount stageErrorsCount getNumPartitions
""".split()
# aws-glue-api-crawler-pyspark-extensions-dynamic-frame-collection, …-reader, …-writer
COLLECTION = "keys values select map flatmap".split()
READER = "from_rdd from_options from_catalog".split()
WRITER = "from_options from_catalog from_jdbc_conf".split()
# aws-glue-api-crawler-pyspark-extensions-glue-context
GLUE_CONTEXT = """
getSource create_dynamic_frame_from_rdd create_dynamic_frame_from_catalog create_dynamic_frame_from_options
create_sample_dynamic_frame_from_catalog create_sample_dynamic_frame_from_options add_ingestion_time_columns
create_data_frame_from_catalog create_data_frame_from_options forEachBatch
purge_table purge_s3_path transition_table transition_s3_path extract_jdbc_conf
start_transaction commit_transaction cancel_transaction
getSink write_dynamic_frame_from_options write_from_options write_dynamic_frame_from_catalog
write_data_frame_from_catalog write_dynamic_frame_from_jdbc_conf write_from_jdbc_conf
""".split()
# aws-glue-programming-python-transforms
TRANSFORMS = """
GlueTransform ApplyMapping DropFields DropNullFields ErrorsAsDynamicFrame FillMissingValues Filter
FindIncrementalMatches FindMatches FlatMap Join Map MapToCollection Relationalize RenameField ResolveChoice SelectFields
SelectFromCollection SimplifyDDBJson Spigot SplitFields SplitRows Unbox UnnestFrame
""".split()
# aws-glue-api-crawler-pyspark-transforms-GlueTransform
GLUE_TRANSFORM = "apply name describeArgs describeReturn describeTransform describeErrors describe".split()
# aws-glue-api-crawler-pyspark-extensions-types
TYPES = """
DataType AtomicType BinaryType BooleanType ByteType DateType DoubleType IntegerType LongType NullType ShortType StringType
TimestampType UnknownType DecimalType EnumType ArrayType ChoiceType MapType Field StructType EntityType
""".split()
SOURCE = "setFormat getFrame".split()
SINK = "setFormat setAccumulableSize writeFrame write".split()

# awsglue's name, how it is called
REFUSED = {
    "context.GlueContext.forEachBatch": (None, None, {}),
    "context.GlueContext.transition_table": ("db", "t", "GLACIER"),
    "context.GlueContext.transition_s3_path": ("s3://b/", "GLACIER"),
    "context.GlueContext.extract_jdbc_conf": ("connection",),
    "context.GlueContext.start_transaction": (True,),
    "context.GlueContext.commit_transaction": ("id",),
    "context.GlueContext.cancel_transaction": ("id",),
    "context.GlueContext.write_dynamic_frame_from_jdbc_conf": (None, "connection"),
    "context.GlueContext.write_from_jdbc_conf": (None, "connection"),
    "data_sink.DataSink.setAccumulableSize": (1,),
    "transforms.GlueTransform.describeReturn": (),
    "transforms.GlueTransform.describeErrors": (),
    "transforms.GlueTransform.describe": (),
    "transforms.FillMissingValues.apply": (None, "column"),
    "transforms.FindMatches.apply": (None, "tfm-1"),
    "transforms.FindIncrementalMatches.apply": (None, None, "tfm-1"),
    "gluetypes.EntityType": (None, None, {}),
}
CLASS_METHODS = ("transforms.", "gluetypes.")


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(PYTHON_FOLDER))
    yield
    sys.path.remove(str(PYTHON_FOLDER))


def named(path: str):
    module, *names = path.split(".")
    found = importlib.import_module(f"awsglue.{module}")
    for name in names:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("dynamicframe.DynamicFrame", DYNAMIC_FRAME),
        ("dynamicframe.DynamicFrameCollection", COLLECTION),
        ("context.GlueContext", GLUE_CONTEXT),
        ("transforms", TRANSFORMS),
        ("transforms.GlueTransform", GLUE_TRANSFORM),
        ("gluetypes", TYPES),
        ("data_source.DataSource", SOURCE),
        ("data_sink.DataSink", SINK),
        ("job.Job", ["init", "commit"]),
        ("utils", ["getResolvedOptions"]),
    ],
)
def test_documented_names_are_there(place, names):
    assert [name for name in names if not callable(getattr(named(place), name, None))] == []


def test_reader_and_writer_have_their_names():
    class Anything:
        def __getattr__(self, name):
            return lambda: name

    frames = named("dynamicframe")
    assert [n for n in READER if not callable(getattr(frames.DynamicFrameReader(Anything()), n, None))] == []
    assert [n for n in WRITER if not callable(getattr(frames.DynamicFrameWriter(Anything()), n, None))] == []


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_not_there_refuses_with_its_page(path):
    arguments = REFUSED[path] if path.startswith(CLASS_METHODS) else (None, *REFUSED[path])
    with pytest.raises(NotImplementedError, match=GUIDE):
        named(path)(*arguments)


def test_transforms_by_import_star_and_packages_beside():
    namespace = {}
    exec("from awsglue.transforms import *", namespace)
    assert set(TRANSFORMS) <= set(namespace)
    for module in ("awsgluedi.transforms",):
        with pytest.raises(NotImplementedError, match=GUIDE):
            importlib.import_module(module)


@pytest.mark.parametrize(
    ("transform", "names"),
    [
        # the parameters that the transforms' pages name, in their order
        ("ApplyMapping", "frame mappings case_sensitive transformation_ctx info stageThreshold totalThreshold"),
        ("DropFields", "frame paths transformation_ctx info stageThreshold totalThreshold"),
        ("DropNullFields", "frame transformation_ctx info stageThreshold totalThreshold"),
        ("Filter", "frame f transformation_ctx info stageThreshold totalThreshold"),
        ("Join", "frame1 frame2 keys1 keys2 transformation_ctx info stageThreshold totalThreshold"),
        ("Map", "frame f transformation_ctx info stageThreshold totalThreshold"),
        (
            "Relationalize",
            "frame staging_path name options transformation_ctx info stageThreshold totalThreshold",
        ),
        ("RenameField", "frame old_name new_name transformation_ctx info stageThreshold totalThreshold"),
        (
            "ResolveChoice",
            "frame specs choice database table_name transformation_ctx info stageThreshold totalThreshold",
        ),
        ("SelectFields", "frame paths transformation_ctx info stageThreshold totalThreshold"),
        ("SplitFields", "frame paths name1 name2 transformation_ctx info stageThreshold totalThreshold"),
        ("SplitRows", "frame comparison_dict name1 name2 transformation_ctx info stageThreshold totalThreshold"),
        ("Unbox", "frame path format transformation_ctx info stageThreshold totalThreshold"),
        ("UnnestFrame", "frame transformation_ctx info stageThreshold totalThreshold"),
        ("Spigot", "frame path options transformation_ctx"),
        ("SelectFromCollection", "dfc key transformation_ctx"),
        ("MapToCollection", "dfc callable transformation_ctx"),
        ("FlatMap", "dfc BaseTransform frame_name transformation_ctx"),
    ],
)
def test_parameters_of_the_transforms(transform, names):
    described = [argument["name"] for argument in named(f"transforms.{transform}").describeArgs()]
    expected = names.split()
    assert described[: len(expected)] == expected

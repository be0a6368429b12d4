"""DynamicFrame, its collection, reader and writer (guide: "DynamicFrame class" and the pages beside it).

A DynamicFrame here is a DataFrame (or how to get one, when its types must be found first) whose choice types are structs
with a mark (choice.py), and the frames of its error records. Rows are touched in Python only where AWS Glue does so too.
"""

import json
from collections.abc import Callable

from pyspark.sql import DataFrame

from awsglue import choice, gluetypes, not_there, records
from awsglue.field_steps import FieldSteps
from awsglue.records import as_text
from awsglue.row_steps import RowSteps
from awsglue.steps import PAGE, STEP


class ResolveOption:
    """How `toDF` resolves one choice: `ResolveOption("a.b.c", "Project", DoubleType())`; actions Project, Cast, KeepAsStruct."""

    def __init__(self, path: str, action: str, target: gluetypes.DataType | None = None):
        self.path, self.action, self.target = path, action, target

    def spec(self) -> tuple[str, str]:
        action = self.action.lower()
        if action == "keepasstruct":
            return self.path, "make_struct"
        if action in ("cast", "project") and self.target is not None:
            return self.path, f"{action}:{self.target.typeName()}"
        raise ValueError(f"Invalid ResolveOption: {self.action}; it is Project or Cast with a type, or KeepAsStruct")


class DynamicFrame(RowSteps, FieldSteps):
    """A frame of self-describing records: what it shows of itself, and its ways in and out."""

    def _collection(self, frames: "dict[str, DynamicFrame]") -> "DynamicFrameCollection":
        return DynamicFrameCollection(frames, self.glue_ctx)

    def with_frame_schema(self, *arguments):
        raise not_there("with_frame_schema", PAGE)

    @staticmethod
    def fromDF(dataframe: DataFrame, glue_ctx, name: str) -> "DynamicFrame":
        """A DynamicFrame of a DataFrame's rows."""
        return DynamicFrame(dataframe, glue_ctx, name)

    def toDF(self, options: list[ResolveOption] | None = None) -> DataFrame:
        """The DataFrame; choices that no option resolves become structs."""
        self.assertErrorThreshold()
        frame = self.resolveChoice(specs=[option.spec() for option in options]) if options else self
        return choice.without_marks(frame.df)

    def count(self) -> int:
        """Number of records, without error records."""
        self.assertErrorThreshold()
        return self.df.count()

    def schema(self) -> gluetypes.StructType:
        """The schema in Glue's types."""
        return gluetypes.from_spark(self.df.schema)

    def printSchema(self) -> None:
        """Print the schema as a tree: `root`, then `|-- name: type`."""
        print(gluetypes.tree(self.df.schema))

    def show(self, num_rows: int = 20) -> None:
        """Print records as JSON, one a line."""
        self.assertErrorThreshold()
        for row in self.df.limit(num_rows).collect():
            print(json.dumps(records.to_record(row, self.df.schema), default=as_text, ensure_ascii=False))

    def getNumPartitions(self) -> int:
        return self.df.rdd.getNumPartitions()

    def first_records(self, number: int) -> "DynamicFrame":
        """This frame, cut off after a number of records, for the sample frames of GlueContext."""
        return self._next(lambda: self.df.limit(int(number)), **STEP)

    def write(
        self, connection_type: str, connection_options=None, format=None, format_options=None, accumulator_size=0
    ) -> "DynamicFrame":
        """Write the records through a sink of this connection type and return this frame."""
        return self.glue_ctx.write_dynamic_frame_from_options(
            self, connection_type, connection_options or {}, format, format_options or {}
        )


class DynamicFrameCollection:
    """Named DynamicFrames."""

    def __init__(self, dynamic_frames: dict[str, DynamicFrame] | list[DynamicFrame], glue_ctx):
        if isinstance(dynamic_frames, list):
            dynamic_frames = {frame.name: frame for frame in dynamic_frames}
        self._frames = dict(dynamic_frames)
        self._glue_ctx = glue_ctx

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._frames[key]

    def __len__(self) -> int:
        return len(self._frames)

    def keys(self):
        return self._frames.keys()

    def values(self):
        return self._frames.values()

    def items(self):
        return self._frames.items()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """The frame of that name.

        Raises:
            KeyError: there is none.
        """
        return self._frames[key]

    def map(self, callable: Callable, transformation_ctx: str = "") -> "DynamicFrameCollection":
        """A collection of callable(frame, transformation_ctx) for each frame, under the same names."""
        made = {name: callable(frame, transformation_ctx + name) for name, frame in self._frames.items()}
        return DynamicFrameCollection(made, self._glue_ctx)

    def flatmap(self, f: Callable, transformation_ctx: str = "") -> "DynamicFrameCollection":
        """As map, for functions that may return collections, whose frames are then named `<name>_<inner name>`."""
        made: dict[str, DynamicFrame] = {}
        for name, frame in self._frames.items():
            result = f(frame, transformation_ctx + name)
            inner = result.items() if isinstance(result, DynamicFrameCollection) else [("", result)]
            made |= {f"{name}_{key}" if key else name: value for key, value in inner}
        return DynamicFrameCollection(made, self._glue_ctx)


class DynamicFrameReader:
    """`glueContext.create_dynamic_frame`."""

    def __init__(self, glue_context):
        self.from_rdd = glue_context.create_dynamic_frame_from_rdd
        self.from_options = glue_context.create_dynamic_frame_from_options
        self.from_catalog = glue_context.create_dynamic_frame_from_catalog


class DynamicFrameWriter:
    """`glueContext.write_dynamic_frame`."""

    def __init__(self, glue_context):
        self.from_options = glue_context.write_dynamic_frame_from_options
        self.from_catalog = glue_context.write_dynamic_frame_from_catalog
        self.from_jdbc_conf = glue_context.write_dynamic_frame_from_jdbc_conf

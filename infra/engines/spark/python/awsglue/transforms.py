"""The transform classes: `ApplyMapping.apply(frame=…, mappings=…)` (guide: "PySpark transforms reference").

Each calls the DynamicFrame's method of the same purpose.
"""

import inspect

from pyspark.sql.types import NullType

from awsglue import not_there
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.paths import quote

__all__ = [
    "ApplyMapping",
    "Coalesce",
    "DropDuplicates",
    "DropFields",
    "DropNullFields",
    "ErrorsAsDynamicFrame",
    "FillMissingValues",
    "Filter",
    "FindIncrementalMatches",
    "FindMatches",
    "FlatMap",
    "GlueTransform",
    "Join",
    "Map",
    "MapToCollection",
    "RenameField",
    "Relationalize",
    "Repartition",
    "ResolveChoice",
    "SelectFields",
    "SelectFromCollection",
    "Spigot",
    "SplitFields",
    "SplitRows",
    "Unbox",
    "Union",
    "UnnestFrame",
]


class GlueTransform:
    """Base class: `apply` makes an instance and calls it."""

    @classmethod
    def apply(cls, *args, **kwargs):
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict]:
        """The arguments: name, whether optional, default value."""
        described = []
        for name, parameter in list(inspect.signature(cls.__call__).parameters.items())[1:]:
            optional = parameter.default is not parameter.empty
            default = parameter.default if optional else None
            described.append({"name": name, "optional": optional, "defaultValue": default})
        return described

    @classmethod
    def describeTransform(cls) -> str:
        return (cls.__doc__ or "").strip()

    @classmethod
    def describeReturn(cls) -> dict:
        raise not_there(f"{cls.__name__}.describeReturn", "aws-glue-api-crawler-pyspark-transforms-GlueTransform")

    @classmethod
    def describeErrors(cls) -> list[dict]:
        raise not_there(f"{cls.__name__}.describeErrors", "aws-glue-api-crawler-pyspark-transforms-GlueTransform")


class ApplyMapping(GlueTransform):
    """Keep, rename and cast fields by (source, source type, target, target type)."""

    def __call__(
        self, frame, mappings, case_sensitive=False, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0
    ):
        return frame.apply_mapping(mappings, case_sensitive, transformation_ctx, info, stageThreshold, totalThreshold)


class DropFields(GlueTransform):
    """Drop fields by path."""

    def __call__(self, frame, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.drop_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SelectFields(GlueTransform):
    """Keep fields by path."""

    def __call__(self, frame, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.select_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class RenameField(GlueTransform):
    """Rename a field."""

    def __call__(self, frame, old_name, new_name, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.rename_field(old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold)


class SplitFields(GlueTransform):
    """Split into two frames by fields."""

    def __call__(
        self,
        frame,
        paths,
        name1="frame1",
        name2="frame2",
        transformation_ctx="",
        info="",
        stageThreshold=0,
        totalThreshold=0,
    ):
        return frame.split_fields(paths, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class SplitRows(GlueTransform):
    """Split into two frames by comparing fields with values."""

    def __call__(
        self,
        frame,
        comparison_dict,
        name1="frame1",
        name2="frame2",
        transformation_ctx="",
        info=None,
        stageThreshold=0,
        totalThreshold=0,
    ):
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class Join(GlueTransform):
    """Equality join of two frames."""

    def __call__(
        self, frame1, frame2, keys1, keys2, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0
    ):
        return frame1.join(keys1, keys2, frame2, transformation_ctx, info, stageThreshold, totalThreshold)


class Union(GlueTransform):
    """The records of two frames."""

    def __call__(self, frame1, frame2, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame1.union(frame2, transformation_ctx, info, stageThreshold, totalThreshold)


class Filter(GlueTransform):
    """Keep the records for which a function is true."""

    def __call__(self, frame, f, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.filter(f, transformation_ctx, info, stageThreshold, totalThreshold)


class Map(GlueTransform):
    """Apply a function to each record."""

    def __call__(
        self,
        frame,
        f,
        preservesPartitioning=False,
        transformation_ctx="",
        info="",
        stageThreshold=0,
        totalThreshold=0,
    ):
        return frame.map(f, preservesPartitioning, transformation_ctx, info, stageThreshold, totalThreshold)


class ResolveChoice(GlueTransform):
    """Resolve choice types."""

    def __call__(
        self,
        frame,
        specs=None,
        choice="",
        database=None,
        table_name=None,
        transformation_ctx="",
        info="",
        stageThreshold=0,
        totalThreshold=0,
        catalog_id=None,
    ):
        return frame.resolveChoice(
            specs,
            choice,
            database,
            table_name,
            transformation_ctx,
            info,
            stageThreshold,
            totalThreshold,
            catalog_id,
        )


class Unbox(GlueTransform):
    """Parse a string field into a struct."""

    def __call__(
        self, frame, path, format, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0, **options
    ):
        return frame.unbox(path, format, transformation_ctx, info, stageThreshold, totalThreshold, **options)


class UnnestFrame(GlueTransform):
    """Flatten structs into top-level fields."""

    def __call__(self, frame, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.unnest(transformation_ctx, info, stageThreshold, totalThreshold)


class Relationalize(GlueTransform):
    """Flatten structs and make a table of each array."""

    def __call__(
        self,
        frame,
        staging_path=None,
        name="roottable",
        options=None,
        transformation_ctx="",
        info="",
        stageThreshold=0,
        totalThreshold=0,
    ):
        return frame.relationalize(
            name, staging_path, options, transformation_ctx, info, stageThreshold, totalThreshold
        )


class DropNullFields(GlueTransform):
    """Drop the fields of type null: those without a value in any record."""

    def __call__(self, frame, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        empty = [quote(field.name) for field in frame.df.schema if isinstance(field.dataType, NullType)]
        return frame.drop_fields(empty, transformation_ctx, info, stageThreshold, totalThreshold)


class DropDuplicates(GlueTransform):
    """Drop records that are equal, in all fields or in those named."""

    def __call__(self, frame, columns=None, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        df = frame.df.dropDuplicates(list(columns)) if columns else frame.df.dropDuplicates()
        return frame._next(df, transformation_ctx, stageThreshold, totalThreshold)


class Repartition(GlueTransform):
    """Another number of partitions."""

    def __call__(self, frame, num_partitions, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.repartition(num_partitions, transformation_ctx, info, stageThreshold, totalThreshold)


class Coalesce(GlueTransform):
    """Fewer partitions."""

    def __call__(
        self,
        frame,
        num_partitions,
        shuffle=False,
        transformation_ctx="",
        info="",
        stageThreshold=0,
        totalThreshold=0,
    ):
        return frame.coalesce(num_partitions, shuffle, transformation_ctx, info, stageThreshold, totalThreshold)


class Spigot(GlueTransform):
    """Write sample records and go on with the same frame."""

    def __call__(self, frame, path, options=None, transformation_ctx=""):
        return frame.spigot(path, options, transformation_ctx)


class ErrorsAsDynamicFrame(GlueTransform):
    """The error records of a frame."""

    def __call__(self, frame):
        return frame.errorsAsDynamicFrame()


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc, key, transformation_ctx=""):
        return dfc.select(key, transformation_ctx)


class MapToCollection(GlueTransform):
    """Apply a transform to each frame of a collection."""

    def __call__(self, dfc, callable, transformation_ctx="", **base_kwargs):
        return dfc.map(
            lambda frame, context: callable(frame, transformation_ctx=context, **base_kwargs), transformation_ctx
        )


class FlatMap(GlueTransform):
    """Apply a transform to each frame of a collection and put the results into one collection."""

    def __call__(self, dfc, BaseTransform, frame_name, transformation_ctx="", **base_kwargs):
        def run(frame: DynamicFrame, context: str) -> DynamicFrame | DynamicFrameCollection:
            return BaseTransform.apply(**{frame_name: frame, "transformation_ctx": context}, **base_kwargs)

        return dfc.flatmap(run, transformation_ctx)


class _NotThere(GlueTransform):
    page = ""

    def __call__(self, *args, **kwargs):
        raise not_there(type(self).__name__, f"aws-glue-api-crawler-pyspark-transforms-{self.page}")


class FillMissingValues(_NotThere):
    """Fills missing values by machine learning: part of the AWS service only."""

    page = "fillmissingvalues"


class FindMatches(_NotThere):
    """Finds matching records by machine learning: part of the AWS service only."""

    page = "findmatches"


class FindIncrementalMatches(_NotThere):
    """Finds matching records by machine learning: part of the AWS service only."""

    page = "findincrementalmatches"

"""The transform classes: `ApplyMapping.apply(frame=…, mappings=…)` (guide: "PySpark transforms reference").

Most call the DynamicFrame's method of the same purpose, which has their parameters.
"""

import inspect

from awsglue import not_there
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

BASE_PAGE = "aws-glue-api-crawler-pyspark-transforms-GlueTransform"
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
    "SimplifyDDBJson",
    "Spigot",
    "SplitFields",
    "SplitRows",
    "Unbox",
    "Union",
    "UnnestFrame",
]


class GlueTransform:
    """Base class: `apply` makes an instance and calls it.

    Attributes:
        method: name of the DynamicFrame method that a call runs on the argument `frame`.
    """

    method = ""

    def __call__(self, frame, *args, **kwargs):
        return getattr(frame, self.method)(*args, **kwargs)

    @classmethod
    def apply(cls, *args, **kwargs):
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict]:
        """The arguments: name, whether optional, default value."""
        called = getattr(DynamicFrame, cls.method) if cls.method else cls.__call__
        described = [{"name": "frame", "optional": False, "defaultValue": None}] if cls.method else []
        for name, parameter in list(inspect.signature(called).parameters.items())[1:]:
            optional = parameter.default is not parameter.empty
            default = parameter.default if optional else None
            described.append({"name": name, "optional": optional, "defaultValue": default})
        return described

    @classmethod
    def describeTransform(cls) -> str:
        return (cls.__doc__ or "").strip()

    @classmethod
    def describeReturn(cls) -> dict:
        raise not_there(f"{cls.__name__}.describeReturn", BASE_PAGE)

    @classmethod
    def describeErrors(cls) -> list[dict]:
        raise not_there(f"{cls.__name__}.describeErrors", BASE_PAGE)

    @classmethod
    def describe(cls) -> dict:
        raise not_there(f"{cls.__name__}.describe", BASE_PAGE)


class ApplyMapping(GlueTransform):
    """Keep, rename and cast fields by (source, source type, target, target type)."""

    method = "apply_mapping"


class DropFields(GlueTransform):
    """Drop fields by path."""

    method = "drop_fields"


class SelectFields(GlueTransform):
    """Keep fields by path."""

    method = "select_fields"


class SplitFields(GlueTransform):
    """Split into two frames by fields."""

    method = "split_fields"


class SplitRows(GlueTransform):
    """Split into two frames by comparing fields with values."""

    method = "split_rows"


class Filter(GlueTransform):
    """Keep the records for which a function is true."""

    method = "filter"


class Map(GlueTransform):
    """Apply a function to each record."""

    method = "map"


class ResolveChoice(GlueTransform):
    """Resolve choice types."""

    method = "resolveChoice"


class Unbox(GlueTransform):
    """Parse a string field into a struct."""

    method = "unbox"


class UnnestFrame(GlueTransform):
    """Flatten structs into top-level fields."""

    method = "unnest"


class SimplifyDDBJson(GlueTransform):
    """Make plain fields of DynamoDB's JSON."""

    method = "simplify_ddb_json"


class DropNullFields(GlueTransform):
    """Drop the fields of type null: those without a value in any record."""

    method = "drop_null_fields"


class DropDuplicates(GlueTransform):
    """Drop records that are equal, in all fields or in those named."""

    method = "drop_duplicates"


class Repartition(GlueTransform):
    """Another number of partitions."""

    method = "repartition"


class Coalesce(GlueTransform):
    """Fewer partitions."""

    method = "coalesce"


class Spigot(GlueTransform):
    """Write sample records and go on with the same frame."""

    method = "spigot"


class RenameField(GlueTransform):
    """Rename a field."""

    def __call__(self, frame, old_name, new_name, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.rename_field(old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold)


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

"""DynamicFrame, its collection, reader and writer (guide: "DynamicFrame class" and the pages beside it).

A DynamicFrame here is a DataFrame (or how to get one, when its types must be found first) whose choice types are structs
with a mark (choice.py), and the frames of its error records. Rows are touched in Python only where AWS Glue does so too.
"""

import functools
import inspect
import json
import tempfile
import traceback
from collections.abc import Callable
from decimal import Decimal
from itertools import count as counted
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DataType, NullType, StringType, StructField, StructType

from awsglue import catalog, choice, errors, gluetypes, infer, nested, not_there, paths, records
from awsglue.paths import quote

PAGE = "aws-glue-api-crawler-pyspark-extensions-dynamic-frame"
COMPARE = {
    ">": lambda column, value: column > value,
    "<": lambda column, value: column < value,
    ">=": lambda column, value: column >= value,
    "<=": lambda column, value: column <= value,
    "=": lambda column, value: column == value,
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
}
# what every step takes, behind its own positional parameters
STEP = {"transformation_ctx": "", "info": "", "stageThreshold": 0, "totalThreshold": 0}


class Made(NamedTuple):
    """What a step makes, where that is more than a DataFrame."""

    df: DataFrame | Callable[[], DataFrame]
    failed: DataFrame | Callable[[], DataFrame] | None = None  # the records that it failed on (errors.FAILED)
    other: "DynamicFrame | None" = None  # another frame that went into it, with error records of its own


def _step(operation: Callable) -> Callable:
    """Make a method that computes a DataFrame, a Made or DataFrames by name one that returns a DynamicFrame or a collection.

    It takes the parameters STEP too: name, text for error records, and the numbers of errors at which actions fail.
    """
    own = list(inspect.signature(operation).parameters.values())
    behind = next((i for i, p in enumerate(own) if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)), len(own))
    common = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=d) for n, d in STEP.items()]
    signature = inspect.Signature([*own[:behind], *common, *own[behind:]])

    @functools.wraps(operation)
    def run(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        frame, step = given.arguments["self"], {name: given.arguments.pop(name) for name in STEP}
        result = operation(*given.args, **given.kwargs)
        if isinstance(result, dict):
            frames = {name: frame._next(df, **step | {"transformation_ctx": name}) for name, df in result.items()}
            return DynamicFrameCollection(frames, frame.glue_ctx)
        return frame._next(result, **step)

    run.__signature__ = signature
    return run


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


class DynamicFrame:
    """A frame of self-describing records.

    Args:
        jdf: the DataFrame, or a function without arguments that gives it when it is first needed.
        glue_ctx: the GlueContext.
        name: a name.
        errors: frames of error records (ERROR_SCHEMA) of earlier steps.
        stage_errors: the frame of this step's own error records, or a function that gives it.
        stage_threshold, total_threshold: number of errors (of this step, of all) at which actions fail; 0 means never.
    """

    def __init__(
        self,
        jdf: DataFrame | Callable[[], DataFrame],
        glue_ctx,
        name: str = "",
        errors: tuple = (),
        stage_errors: DataFrame | Callable[[], DataFrame] | None = None,
        stage_threshold: int = 0,
        total_threshold: int = 0,
    ):
        self.glue_ctx = glue_ctx
        self.name = name
        self._df = jdf
        self._errors = errors
        self._stage_errors = stage_errors
        self._stage_threshold, self._total_threshold = stage_threshold, total_threshold

    @property
    def df(self) -> DataFrame:
        """The DataFrame with marked choices."""
        if not isinstance(self._df, DataFrame):
            self._df = self._df()
        return self._df

    def _next(
        self,
        made: DataFrame | Callable[[], DataFrame] | Made,
        transformation_ctx: str,
        info: str,
        stageThreshold: int,
        totalThreshold: int,
    ) -> "DynamicFrame":
        made = made if isinstance(made, Made) else Made(made)
        earlier = self._all_errors() + (made.other._all_errors() if made.other else ())
        failed, own = made.failed, None
        if failed is not None:
            own = lambda: errors.records(failed() if callable(failed) else failed, info)  # noqa: E731
        name = transformation_ctx or self.name
        return DynamicFrame(made.df, self.glue_ctx, name, earlier, own, stageThreshold, totalThreshold)

    def with_frame_schema(self, *arguments):
        raise not_there("with_frame_schema", PAGE)

    # construction

    @staticmethod
    def fromDF(dataframe: DataFrame, glue_ctx, name: str) -> "DynamicFrame":
        """A DynamicFrame of a DataFrame's rows."""
        return DynamicFrame(dataframe, glue_ctx, name)

    def toDF(self, options: list[ResolveOption] | None = None) -> DataFrame:
        """The DataFrame; choices that no option resolves become structs."""
        self.assertErrorThreshold()
        frame = self.resolveChoice(specs=[option.spec() for option in options]) if options else self
        return choice.without_marks(frame.df)

    # information

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
            print(json.dumps(records.to_record(row, self.df.schema), default=_text, ensure_ascii=False))

    def getNumPartitions(self) -> int:
        return self.df.rdd.getNumPartitions()

    # rows

    @_step
    def repartition(self, num_partitions: int) -> DataFrame:
        """The same records in another number of partitions."""
        return self.df.repartition(num_partitions)

    @_step
    def coalesce(self, num_partitions: int, *, shuffle=False) -> DataFrame:
        """The same records in fewer partitions."""
        return self.df.repartition(num_partitions) if shuffle else self.df.coalesce(num_partitions)

    @_step
    def filter(self, f: Callable) -> Made:
        """The records for which f(DynamicRecord) is true; a record for which it raises becomes an error record."""
        df = self.df
        schema = df.schema
        names = [F.col(quote(name)) for name in df.columns]
        answer = StructType(
            [StructField("keep", BooleanType()), *(StructField(n, StringType()) for n in ("msg", "stackTrace"))]
        )

        def judge(row: Row):
            try:
                return bool(f(records.to_record(row, schema))), None, None
            except Exception as error:
                return False, *_described(error)

        judged = df.withColumn("__judged", F.udf(judge, answer)(F.struct(*names)))
        failed = judged.where("__judged.msg IS NOT NULL").select(
            "__judged.msg",
            "__judged.stackTrace",
            F.lit(None).cast("string").alias("input"),
            F.to_json(F.struct(*names)).alias("dynamicRecord"),
        )
        return Made(judged.where("__judged.keep").drop("__judged"), failed)

    @_step
    def map(self, f: Callable, *, preservesPartitioning=False) -> Made:
        """The records that f(DynamicRecord) returns; where it raises or returns something else there is an error record.

        The new schema is found by running f over all records once more than the result itself needs.
        """
        schema = self.df.schema

        def apply(row: Row):
            try:
                result = f(records.to_record(row, schema))
                if not isinstance(result, dict):
                    kind = "None" if result is None else type(result).__name__
                    raise ValueError(f"User-specified function returned {kind} instead of DynamicRecord")
                records.check(result)
                return result, None
            except Exception as error:
                record = json.dumps(records.to_record(row, schema), default=_text, ensure_ascii=False)
                return None, (*_described(error), None, record)

        mapped = self.df.rdd.map(apply)
        good = mapped.filter(lambda pair: pair[1] is None).map(lambda pair: pair[0])
        bad = mapped.filter(lambda pair: pair[1] is not None).map(lambda pair: pair[1])
        session = self.glue_ctx.spark_session
        return Made(lambda: records.to_frame(session, good), failed=lambda: session.createDataFrame(bad, errors.FAILED))

    def mapPartitions(self, *arguments, **options):
        raise not_there("DynamicFrame.mapPartitions", PAGE)

    mapPartitionsWithIndex = mapPartitions

    @_step
    def union(self, frame2: "DynamicFrame") -> Made:
        """The records of both frames; a field of one is null in the other's, a field of two types becomes a choice."""
        return Made(choice.united(self.df, frame2.df), other=frame2)

    @_step
    def join(self, paths1: str | list[str], paths2: str | list[str], frame2: "DynamicFrame") -> Made:
        """Equality join. All fields of both sides are kept; one that both have gets a leading dot on the right (`.zip`).

        Where there is that too, as after an earlier join, it gets one more (`..zip`). Case does not count, as in Spark.

        Raises:
            ValueError: the lists of keys differ in length, or there is no such field, or it is a choice.
        """
        keys1, keys2 = _listed(paths1), _listed(paths2)
        if len(keys1) != len(keys2) or not keys1:
            raise ValueError("Join needs the same number of keys, one or more, for both frames")
        left, right = self.df, frame2.df
        taken, names = {name.lower() for name in left.columns}, {}
        for name in right.columns:
            dots = next(dots for dots in counted() if "." * dots + name.lower() not in taken)
            names[name] = "." * dots + name
        # keys as columns of their own: dotted paths, and the same DataFrame on both sides
        left = left.select("*", *[_key(self.df, k).alias(f"__left_{i}") for i, k in enumerate(keys1)])
        right = right.select(
            *[F.col(quote(old)).alias(new) for old, new in names.items()],
            *[_key(frame2.df, k).alias(f"__right_{i}") for i, k in enumerate(keys2)],
        )
        same = [F.col(f"__left_{i}") == F.col(f"__right_{i}") for i in range(len(keys1))]
        joined = left.join(right, same, "inner").select(*map(F.col, map(quote, [*self.df.columns, *names.values()])))
        return Made(joined, other=frame2)

    @_step
    def split_rows(self, comparison_dict: dict, name1="frame1", name2="frame2") -> dict[str, DataFrame]:
        """The records that fulfil all comparisons (`{"age": {">": 10, "<": 20}}`), and the others.

        Raises:
            ValueError: no such field, or no such comparison.
        """
        condition = F.lit(True)
        for path, comparisons in comparison_dict.items():
            for sign, value in comparisons.items():
                if sign not in COMPARE:
                    raise ValueError(f"Invalid comparator {sign}; it is one of {', '.join(COMPARE)}")
                condition = condition & COMPARE[sign](_key(self.df, path), value)
        fulfilled = F.coalesce(condition, F.lit(False))
        return {name1: self.df.where(fulfilled), name2: self.df.where(~fulfilled)}

    @_step
    def drop_duplicates(self, columns: list[str] | None = None) -> DataFrame:
        """One record of those that are equal, in all fields or in those named."""
        return self.df.dropDuplicates(_listed(columns)) if columns else self.df.dropDuplicates()

    @_step
    def mergeDynamicFrame(
        self, stage_dynamic_frame: "DynamicFrame", primary_keys: list[str], *, options: dict | None = None
    ) -> Made:
        """The staging frame's records, and of this frame those whose keys the staging frame does not have."""
        stage = stage_dynamic_frame.df
        keys = _listed(primary_keys)
        seen = stage.select(*[_key(stage, key).alias(f"__key_{i}") for i, key in enumerate(keys)]).distinct()
        same = [_key(self.df, key).eqNullSafe(F.col(f"__key_{i}")) for i, key in enumerate(keys)]
        return Made(choice.united(self.df.join(seen, same, "left_anti"), stage), other=stage_dynamic_frame)

    def spigot(self, path: str, options: dict | None = None, transformation_ctx: str = "") -> "DynamicFrame":
        """Write sample records as JSON below a path; `topk` (default 100) of them, each with probability `prob` (default 1).

        Returns:
            This frame.
        """
        options = options or {}
        sample = self.df
        if "prob" in options:
            sample = sample.sample(float(options["prob"]))
        sample = sample.limit(int(options.get("topk", 100)))
        sink = self.glue_ctx.getSink("s3", path=path, transformation_ctx=transformation_ctx)
        sink.setFormat("json")
        sink.writeFrame(DynamicFrame(sample, self.glue_ctx))
        return self

    # fields

    @_step
    def select_fields(self, paths: str | list[str]) -> DataFrame:
        """The named fields; one that is not there is left out. A nested path keeps the structs around it."""
        return _select(self.df, _listed(paths))

    @_step
    def drop_fields(self, paths: str | list[str]) -> DataFrame:
        """All fields but the named ones, nested ones too; one that is not there is no error."""
        return _drop(self.df, _listed(paths))

    @_step
    def drop_null_fields(self) -> DataFrame:
        """All fields but those of type null, nested ones too: they have no value in any record."""
        return paths.rewrite(self.df, lambda path, value, native: [] if isinstance(native, NullType) else None)

    @_step
    def split_fields(self, paths: list[str], name1="frame1", name2="frame2") -> dict[str, DataFrame]:
        """A frame with the named fields and one with the others."""
        return {name1: _select(self.df, _listed(paths)), name2: _drop(self.df, _listed(paths))}

    @_step
    def rename_field(self, oldName: str, newName: str) -> DataFrame:
        """Rename a field, nested or not. Both names are full paths; a name with dots needs backticks."""
        old, new = paths.resolve(self.df.schema, paths.parse(oldName)), paths.parse(newName)
        if old is None:
            return self.df
        if old[:-1] == new[:-1]:
            return paths.rewrite(self.df, lambda path, value, _: [(new[-1], value)] if path == old else None)
        # to another level: out of its struct, or into one
        value, _ = paths.column(self.df, old)
        names = [name for name in self.df.columns if name != new[0]]
        moved = _nested({new[1:]: value}) if new[1:] else value
        rest = _drop(self.df.withColumn("__moved", moved), [".".join(map(quote, old))])
        return rest.select(*[F.col(quote(n)) for n in names if n in rest.columns], F.col("__moved").alias(new[0]))

    @_step
    def apply_mapping(self, mappings: list[tuple], case_sensitive=False) -> DataFrame:
        """The mapped fields only, renamed and cast: (source path, source type, target path, target type).

        A (source, target) pair keeps the type. What cannot be cast is null; a source that is not there gives no field.

        Raises:
            ValueError: a mapping has another form or an unknown type.
        """
        targets: dict[paths.Path, Column] = {}
        for mapping in mappings:
            if len(mapping) not in (2, 4):
                raise ValueError(f"Invalid mapping {mapping}: it is (source, source type, target, target type)")
            source, target = mapping[0], mapping[-2] if len(mapping) == 4 else mapping[-1]
            path = paths.parse(source)
            exact = paths.resolve(self.df.schema, path)
            if case_sensitive and exact != path:
                continue
            found = paths.column(self.df, path)
            if found is not None:
                value, native = found
                targets[paths.parse(target)] = _mapped(value, native, mapping[3] if len(mapping) == 4 else None)
        return self.df.select(*_structs(targets))

    @_step
    def resolveChoice(
        self,
        specs: list[tuple[str, str]] | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        *,
        catalog_id: str | None = None,
        option: str = "",
    ) -> DataFrame:
        """Resolve choices: named ones by specs of (path, action), or all by one action.

        Args:
            specs: actions are `cast:type`, `project:type`, `make_cols`, `make_struct`.
            choice: one of these, or `match_catalog` with database and table_name.
            option: another name of `choice` in AWS's own pages.

        Raises:
            ValueError: both specs and choice, no such action, or no table for match_catalog.
        """
        action = choice or option
        if specs and action:
            raise ValueError("Only one of specs and choice can be specified")
        if not specs and not action:
            raise ValueError("One of specs and choice must be specified")
        if action == "match_catalog":
            if not database or not table_name:
                raise ValueError("match_catalog needs database and table_name")
            table = catalog.fetch(database, table_name, catalog_id)
            return _match(self.df, StructType([*table.columns, *table.partition_columns]))
        return _resolve(self.df, dict(specs or []), action)

    @_step
    def unbox(self, path: str, format: str, **options) -> DataFrame:
        """Parse a string field, whose text is a document of its own, into a struct.

        Args:
            format: `json` (the types are found in the data, or given by `withSchema`) or `csv` (with `separator`,
                `quoteChar`, `escaper` and `withSchema`).

        Raises:
            ValueError: no such field.
            NotImplementedError: another format or option.
        """
        found = paths.resolve(self.df.schema, paths.parse(path))
        df = self.df
        if not df.columns:  # there are no records
            return df
        if found is None:
            raise ValueError(f"Field {path} does not exist")
        given = options.pop("withSchema", None)
        schema = records.spark_schema(gluetypes.schema_from_json(given)) if given else None
        if format == "json" and not options:
            text = paths.column(df, found)[0].alias("value")
            types = infer.Found(schema) if schema else infer.types_of(df.select(text).where("value IS NOT NULL"))
            return paths.rewrite(df, lambda p, v, _: [(p[-1], infer.parse(v, types))] if p == found else None)
        if format == "csv" and schema and not set(options) - {"separator", "quoteChar", "escaper"}:
            names = {"separator": "sep", "quoteChar": "quote", "escaper": "escape"}
            given = {names[name]: str(value) for name, value in options.items()}
            ddl = ", ".join(f"{quote(f.name)} {f.dataType.simpleString()}" for f in schema)
            return paths.rewrite(df, lambda p, v, _: [(p[-1], F.from_csv(v, ddl, given))] if p == found else None)
        raise not_there(f"unbox with format {format} and options {sorted(options)}", PAGE)

    @_step
    def unnest(self) -> DataFrame:
        """Structs become top-level fields with dotted names (`address.state`); arrays stay."""
        return nested.flatten(choice.without_marks(self.df))

    @_step
    def unnest_ddb_json(self) -> DataFrame:
        """Records in DynamoDB's JSON (`{"Item": {"a": {"S": "x"}}}`) with plain fields, those of maps with dotted names."""
        return nested.unnest_dynamodb(self.df)

    @_step
    def simplify_ddb_json(self) -> DataFrame:
        """Records in DynamoDB's JSON with plain fields; maps become structs, lists of maps or several types stay."""
        return nested.simplify_dynamodb(self.df)

    @_step
    def relationalize(
        self, root_table_name: str, staging_path: str | None = None, options: dict | None = None
    ) -> dict[str, DataFrame]:
        """Flatten structs, and make a table of each array.

        The array's field becomes a number, and `<root>_<array>` has a row an element: `id` (that number), `index`, and
        `<array>.val` or, for elements that are structs, `<array>.val.<field>`.

        Args:
            root_table_name: key of the root frame in the result, and prefix of the others.
            staging_path: folder for the numbered rows, which are written and read back, so that numbers stay the same.
        """
        staging = staging_path or tempfile.mkdtemp(prefix="relationalize-")
        return nested.pivot(choice.without_marks(self.df), root_table_name, staging)

    def first_records(self, number: int) -> "DynamicFrame":
        """This frame, cut off after a number of records, for the sample frames of GlueContext."""
        return self._next(lambda: self.df.limit(int(number)), **STEP)

    # writing

    def write(
        self, connection_type: str, connection_options=None, format=None, format_options=None, accumulator_size=0
    ) -> "DynamicFrame":
        """Write the records through a sink of this connection type and return this frame."""
        return self.glue_ctx.write_dynamic_frame_from_options(
            self, connection_type, connection_options or {}, format, format_options or {}
        )

    # errors

    def _own_errors(self) -> DataFrame | None:
        if self._stage_errors is not None and not isinstance(self._stage_errors, DataFrame):
            self._stage_errors = self._stage_errors()
        return self._stage_errors

    def _all_errors(self) -> tuple:
        return self._errors if self._stage_errors is None else (*self._errors, self._own_errors)

    def stageErrorsCount(self) -> int:
        """Number of error records of the step that made this frame."""
        return self._own_errors().count() if self._stage_errors is not None else 0

    def errorsCount(self) -> int:
        """Number of error records of all steps up to this frame."""
        return sum(errors().count() for errors in self._all_errors())

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        """The error records of all steps: a struct `error`, see errors.py."""
        found = self.glue_ctx.spark_session.createDataFrame([], errors.SCHEMA)
        for frame in self._all_errors():
            found = found.unionByName(frame())
        return DynamicFrame(found, self.glue_ctx, "errors")

    def assertErrorThreshold(self) -> None:
        """Fail if this frame has as many errors as its thresholds allow.

        Raises:
            RuntimeError: with the number and the first error.
        """
        limits = [(self._stage_threshold, self.stageErrorsCount), (self._total_threshold, self.errorsCount)]
        for limit, count in limits:
            if limit > 0 and (found := count()) >= limit:
                first = self.errorsAsDynamicFrame().df.first()["error"]["msg"]
                raise RuntimeError(f"{found} errors reached the threshold of {limit}. The first error: {first}")


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
        made = {}
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


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _key(df: DataFrame, path: str) -> Column:
    if not df.columns:  # there are no records
        return F.lit(None)
    found = paths.column(df, paths.parse(path))
    if found is None:
        raise ValueError(f"Field {path} does not exist; the fields are {', '.join(df.columns)}")
    value, native = found
    if gluetypes.is_choice(native):
        raise ValueError(f"Field {path} is a choice of {', '.join(native.names)}: resolve it with resolveChoice first")
    return value


def _described(error: Exception) -> tuple[str, str]:
    """Message and stack of an error of the user's function."""
    return f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))


def _text(value) -> str | float:
    return float(value) if isinstance(value, Decimal) else str(value)


def _select(df: DataFrame, wanted: list[str]) -> DataFrame:
    found = [path for path in (paths.resolve(df.schema, paths.parse(name)) for name in wanted) if path is not None]

    def visit(path: paths.Path, value: Column, native: DataType):
        if any(path[: len(whole)] == whole for whole in found):
            return [(path[-1], value)]
        return None if any(whole[: len(path)] == path for whole in found) else []

    order = list(dict.fromkeys(path[0] for path in found))
    return paths.rewrite(df, visit).select(*[F.col(quote(name)) for name in order])


def _drop(df: DataFrame, unwanted: list[str]) -> DataFrame:
    gone = {paths.resolve(df.schema, paths.parse(name)) for name in unwanted}
    return paths.rewrite(df, lambda path, value, native: [] if path in gone else None)


def _mapped(value: Column, native: DataType, target: str | None) -> Column:
    if target is None or target.lower() in ("struct", "array", "map", "choice"):
        return value
    return choice.cast(value, native, gluetypes.to_spark(target))


def _structs(targets: dict[paths.Path, Column]) -> list[Column]:
    """Columns for target paths; paths with the same first name become one struct, at the place of the first."""
    columns = []
    for name in dict.fromkeys(path[0] for path in targets):
        inner = {path[1:]: value for path, value in targets.items() if path[0] == name}
        columns.append((inner[()] if () in inner else _nested(inner)).alias(name))
    return columns


def _nested(inner: dict[paths.Path, Column]) -> Column:
    return F.struct(*_structs(inner))


def _resolve(df: DataFrame, specs: dict[str, str], everywhere: str) -> DataFrame:
    """The frame with its choices resolved: those at the paths of specs, or all, also those inside of others."""
    actions, of_elements = {}, {}
    for text, action in specs.items():
        (of_elements if text.endswith("[]") else actions)[paths.resolve(df.schema, paths.parse(text))] = action

    def visit(path: paths.Path, value: Column, native: DataType):
        action = actions.get(path) or (everywhere if gluetypes.is_choice(native) else "")
        return choice.resolve(path[-1], value, native, action) if action else None

    def element(path: paths.Path, value: Column, native: DataType):
        found = of_elements.get(path) or (everywhere or actions.get(path) if gluetypes.is_choice(native) else "")
        return choice.resolve_element(value, native, found) if found else None

    resolved = paths.rewrite(df, visit, element)
    if everywhere and resolved.schema != df.schema and choice.has_any(resolved.schema):
        return _resolve(resolved, {}, everywhere)
    return resolved


def _match(df: DataFrame, schema: StructType) -> DataFrame:
    """The frame with each choice as the type that the schema has in its place, also for elements of arrays."""

    def wanted(path: paths.Path, native: DataType) -> DataType | None:
        known = paths.resolve(schema, path) if gluetypes.is_choice(native) else None
        target: DataType = schema
        for name in known or ():
            while isinstance(target, ArrayType):
                target = target.elementType
            target = target[name].dataType
        return target if known else None

    def visit(path: paths.Path, value: Column, native: DataType):
        target = wanted(path, native)
        return [(path[-1], choice.cast(value, native, target))] if target else None

    def element(path: paths.Path, value: Column, native: DataType):
        target = wanted(path, native)
        while isinstance(target, ArrayType):
            target = target.elementType
        return choice.cast(value, native, target) if target else None

    return paths.rewrite(df, visit, element)

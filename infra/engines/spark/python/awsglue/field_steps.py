"""Steps on fields: their names, types, choices and nesting (guide: "DynamicFrame class")."""

import tempfile

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, NullType, StructType

from awsglue import catalog, choice, gluetypes, infer, nested, not_there, paths, records
from awsglue.paths import quote
from awsglue.steps import PAGE, Frame, step


class FieldSteps(Frame):
    @step
    def select_fields(self, paths: str | list[str]) -> DataFrame:
        """The named fields; one that is not there is left out. A nested path keeps the structs around it."""
        return _select(self.df, listed(paths))

    @step
    def drop_fields(self, paths: str | list[str]) -> DataFrame:
        """All fields but the named ones, nested ones too; one that is not there is no error."""
        return _drop(self.df, listed(paths))

    @step
    def drop_null_fields(self) -> DataFrame:
        """All fields but those of type null, nested ones too: they have no value in any record."""
        return paths.rewrite(self.df, lambda path, value, native: [] if isinstance(native, NullType) else None)

    @step
    def split_fields(self, paths: list[str], name1="frame1", name2="frame2") -> dict[str, DataFrame]:
        """A frame with the named fields and one with the others."""
        return {name1: _select(self.df, listed(paths)), name2: _drop(self.df, listed(paths))}

    @step
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

    @step
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

    @step
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

    @step
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

    @step
    def unnest(self) -> DataFrame:
        """Structs become top-level fields with dotted names (`address.state`); arrays stay."""
        return nested.flatten(choice.without_marks(self.df))

    @step
    def unnest_ddb_json(self) -> DataFrame:
        """Records in DynamoDB's JSON (`{"Item": {"a": {"S": "x"}}}`) with plain fields, those of maps with dotted names."""
        return nested.unnest_dynamodb(self.df)

    @step
    def simplify_ddb_json(self) -> DataFrame:
        """Records in DynamoDB's JSON with plain fields; maps become structs, lists of maps or several types stay."""
        return nested.simplify_dynamodb(self.df)

    @step
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


def listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def key_column(df: DataFrame, path: str) -> Column:
    if not df.columns:  # there are no records
        return F.lit(None)
    found = paths.column(df, paths.parse(path))
    if found is None:
        raise ValueError(f"Field {path} does not exist; the fields are {', '.join(df.columns)}")
    value, native = found
    if gluetypes.is_choice(native):
        raise ValueError(f"Field {path} is a choice of {', '.join(native.names)}: resolve it with resolveChoice first")
    return value


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
    actions: dict[paths.Path | None, str] = {}
    of_elements: dict[paths.Path | None, str] = {}
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

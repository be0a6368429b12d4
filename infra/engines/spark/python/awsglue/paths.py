"""Dotted paths into a schema (`address.state`, `` `name.with.dots` ``, `list[].price`), and rebuilding columns along them."""

import re
from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StructType

Path = tuple[str, ...]
Visitor = Callable[[Path, Column, DataType], "list[tuple[str, Column]] | None"]
Element = Callable[[Path, Column, DataType], "Column | None"]
_PART = re.compile(r"`((?:[^`]|``)*)`(\[\])?|([^.]*)")


def parse(path: str) -> Path:
    """Split a path at its dots; backticks keep a name with dots together, `[]` after an array's name is dropped.

    Raises:
        ValueError: a backtick is not closed.
    """
    parts, position = [], 0
    while True:
        match = _PART.match(path, position)
        assert match is not None, "a part may be empty"
        quoted, _, plain = match.groups()
        parts.append(plain.removesuffix("[]") if quoted is None else quoted.replace("``", "`"))
        position = match.end()
        if position == len(path):
            return tuple(parts)
        if path[position] != "." or (plain or "").startswith("`"):
            raise ValueError(f"Invalid path: {path}")
        position += 1


def quote(name: str) -> str:
    """A column name as Spark's `col` takes it."""
    return "`" + name.replace("`", "``") + "`"


def column(df: DataFrame, path: Path) -> tuple[Column, DataType] | None:
    """The column at a path and its type, None if there is none. An exact name wins over one in other case."""
    found, native = None, df.schema
    for part in path:
        name = _name(native, part)
        if name is None:
            return None
        found = F.col(quote(name)) if found is None else found.getField(name)
        native = native[name].dataType
    return found, native


def resolve(schema: StructType, path: Path) -> Path | None:
    """The path with the schema's own spelling, through arrays too; None if there is no such field."""
    names, native = [], schema
    for part in path:
        while isinstance(native, ArrayType):
            native = native.elementType
        name = _name(native, part)
        if name is None:
            return None
        names.append(name)
        native = native[name].dataType
    return tuple(names)


def _name(native: DataType, part: str) -> str | None:
    if not isinstance(native, StructType):
        return None
    if part in native.names:
        return part
    return next((name for name in native.names if name.lower() == part.lower()), None)


def rewrite(df: DataFrame, visit: Visitor, element: Element | None = None) -> DataFrame:
    """Rebuild a frame field by field.

    Args:
        visit: called with (path, column, type) for each field, outer before inner. It returns None to leave the field
            and look inside it, or the (name, column) pairs that replace it; none of them drops it.
        element: called so for the elements of each array, with the path of the array. It returns None, or a column.

    Returns:
        The new frame; fields in which nothing changed stay the same columns.
    """
    replaced = [_rewrite_field((f.name,), F.col(quote(f.name)), f.dataType, visit, element) for f in df.schema]
    if all(pairs is None for pairs in replaced):
        return df
    columns: list[Column] = []
    for field, pairs in zip(df.schema, replaced, strict=True):
        columns += [F.col(quote(field.name))] if pairs is None else [new.alias(name) for name, new in pairs]
    return df.select(columns)


def rewrite_value(value: Column, native: DataType, visit: Visitor) -> Column:
    """As rewrite, for the fields inside one column."""
    changed = _rewrite_inside((), value, native, visit)
    return value if changed is None else changed


def _rewrite_field(
    path: Path, value: Column, native: DataType, visit: Visitor, element: Element | None
) -> list[tuple[str, Column]] | None:
    pairs = visit(path, value, native)
    if pairs is not None:
        return pairs
    inner = _rewrite_inside(path, value, native, visit, element)
    return None if inner is None else [(path[-1], inner)]


def _rewrite_inside(
    path: Path, value: Column, native: DataType, visit: Visitor, element: Element | None = None
) -> Column | None:
    """The rebuilt value, or None if nothing changes in it."""
    if isinstance(native, ArrayType):
        inner = native.elementType

        def rebuilt(member: Column) -> Column | None:
            made = element(path, member, inner) if element else None
            return _rewrite_inside(path, member, inner, visit, element) if made is None else made

        return None if rebuilt(F.lit(None)) is None else F.transform(value, rebuilt)
    if not isinstance(native, StructType):
        return None
    replaced = [_rewrite_field((*path, f.name), value.getField(f.name), f.dataType, visit, element) for f in native]
    if all(pairs is None for pairs in replaced):
        return None
    fields = []
    for field, pairs in zip(native, replaced, strict=True):
        kept = [(field.name, value.getField(field.name))] if pairs is None else pairs
        fields += [new.alias(name, metadata=field.metadata) for name, new in kept]
    return F.when(value.isNotNull(), F.struct(*fields)) if fields else F.lit(None)

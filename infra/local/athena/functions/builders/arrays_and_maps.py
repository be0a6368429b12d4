"""Arrays, maps and rows."""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import literal
from infra.local.athena.functions.builders.common import lambda_text
from infra.local.athena.sql.casts import castable


def array_join(ex, node, bound, args):
    name = ex.casts.fresh()
    element = args[0].type.element
    if element.name != "unknown" and not castable(element, t.VARCHAR):
        raise ex.error("TYPE_MISMATCH", node, f"Cannot cast {element} to varchar")
    text = ex.casts.text(name, element)
    text = f"coalesce(CAST({text} AS VARCHAR), {args[2].sql})" if len(args) > 2 else text
    joined = f"array_to_string(list_transform({args[0].sql}, lambda {name}: {text}), {args[1].sql})"
    return f"CASE WHEN {args[0].sql} IS NOT NULL AND {args[1].sql} IS NOT NULL THEN coalesce({joined}, '') END"


def array_sort(ex, node, bound, args):
    """Sorted by a comparison: each element goes behind those that the lambda puts before it."""
    item, index, other, done, once = (ex.casts.fresh() for _ in range(5))
    before = lambda_text(ex, node, bound, 1, [other, item])
    ranked = f"struct_pack(r := len(list_filter({once}, lambda {other}: {before} < 0)), i := {index}, v := {item})"
    order = f"list_sort(list_transform({once}, lambda {item}, {index}: {ranked}))"
    return f"list_transform([{args[0].sql}], lambda {once}: list_transform({order}, lambda {done}: {done}.v))[1]"


def reduce(ex, node, bound, args):
    _, start, step, finish = args
    (state, item), body = step.constant
    state_type = step.constant[1].type
    first = ex.casts.cast(start.sql, start.type, state_type)
    folded = f"list_reduce({args[0].sql}, lambda {state}, {item}: {body.sql}, CAST({first} AS {t.duckdb(state_type)}))"
    (name,), last = finish.constant
    return (
        f"CASE WHEN {args[0].sql} IS NULL THEN NULL ELSE list_transform([{folded}], lambda {name}: {last.sql})[1] END"
    )


def _once(ex, args, made) -> str:
    """SQL in which each argument is worked out once, though lambdas use it for every element; `made` gets their names."""
    once = ex.casts.fresh()
    fields = ", ".join(f"p{i} := {a.sql}" for i, a in enumerate(args))
    return f"list_transform([struct_pack({fields})], lambda {once}: {made(*(f'{once}.p{i}' for i in range(len(args))))})[1]"


def combinations(ex, node, bound, args):
    size = args[1].constant
    if isinstance(size, int) and size > 5:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"combination size must not exceed 5: {size}")
    if size == 0:
        return f"[{args[0].sql}[1:0]]"
    if isinstance(size, int) and size < 0:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"combination size must not be negative: {size}")
    if not isinstance(size, int) or size < 1:
        text = "combination size must be a literal between 1 and 5 in the local Athena"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", text)

    def made(items: str) -> str:
        text = f"list_transform(range(1, len({items}) + 1), lambda n: [n])"
        for _ in range(size - 1):
            have, more = ex.casts.fresh(), ex.casts.fresh()
            following = f"range({have}[-1] + 1, len({items}) + 1)"
            longer = f"list_transform({following}, lambda {more}: list_append({have}, {more}))"
            text = f"flatten(list_transform({text}, lambda {have}: {longer}))"
        picked, index = ex.casts.fresh(), ex.casts.fresh()
        ordered = f"list_sort(list_transform({text}, lambda {picked}: list_reverse({picked})))"
        chosen = f"list_transform(list_reverse({picked}), lambda {index}: {items}[{index}])"
        return f"list_transform({ordered}, lambda {picked}: {chosen})"

    return _once(ex, args[:1], made)


def zip_lists(ex, node, bound, args):
    index = ex.casts.fresh()

    def made(*lists: str) -> str:
        fields = ", ".join(f"field{i} := {x}[{index}]" for i, x in enumerate(lists))
        return f"{_or_null(lists)} ELSE list_transform({_longest(lists)}, lambda {index}: struct_pack({fields})) END"

    return _once(ex, args, made)


def _or_null(lists: tuple[str, ...]) -> str:
    return f"CASE WHEN {' OR '.join(f'{x} IS NULL' for x in lists)} THEN NULL"


def _longest(lists: tuple[str, ...]) -> str:
    return f"range(1, greatest({', '.join(f'len({x})' for x in lists)}) + 1)"


def zip_with(ex, node, bound, args):
    index = ex.casts.fresh()

    def made(*lists: str) -> str:
        element = lambda_text(ex, node, bound, 2, [f"{x}[{index}]" for x in lists])
        return f"{_or_null(lists)} ELSE list_transform({_longest(lists)}, lambda {index}: {element}) END"

    return _once(ex, args[:2], made)


def _entries(ex, node: Node, bound) -> tuple[str, str]:
    """A lambda over a map's entries: the entry's name and the body."""
    entry = ex.casts.fresh()
    return entry, lambda_text(ex, node, bound, 1, [f"{entry}.key", f"{entry}.value"])


def map_filter(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"map_from_entries(list_filter(map_entries({args[0].sql}), lambda {entry}: {body}))"


def transform_keys(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"new_map(list_transform(map_entries({args[0].sql}), lambda {entry}: {body}), map_values({args[0].sql}))"


def transform_values(ex, node, bound, args):
    entry, body = _entries(ex, node, bound)
    return f"map(map_keys({args[0].sql}), list_transform(map_entries({args[0].sql}), lambda {entry}: {body}))"


def map_zip_with(ex, node, bound, args):
    key = ex.casts.fresh()

    def made(a: str, b: str) -> str:
        keys = f"ordered_distinct(list_concat(map_keys({a}), map_keys({b})))"
        value = lambda_text(
            ex, node, bound, 2, [key, f"map_extract_value({a}, {key})", f"map_extract_value({b}, {key})"]
        )
        return f"{_or_null((a, b))} ELSE map({keys}, list_transform({keys}, lambda {key}: {value})) END"

    return _once(ex, args[:2], made)


def _row_parts(e) -> tuple[str, str]:
    return tuple(t.field_names(e.type.element))  # type: ignore[return-value]


def map_from_entries(ex, node, bound, args):
    key, value = _row_parts(args[0])
    entry = ex.casts.fresh()
    return (
        f"new_map(list_transform(entries_checked({args[0].sql}), lambda {entry}: struct_extract({entry}, {literal(key)})), "
        f"list_transform({args[0].sql}, lambda {entry}: struct_extract({entry}, {literal(value)})))"
    )


def multimap_from_entries(ex, node, bound, args):
    key, value = _row_parts(args[0])
    entry = ex.casts.fresh()
    return (
        f"collected(keys_checked(list_transform(entries_checked({args[0].sql}), lambda {entry}: "
        f"struct_pack(k := struct_extract({entry}, {literal(key)}), v := struct_extract({entry}, {literal(value)})))))"
    )

"""What a parsed query tells by itself: whether it is constant, where a window stands, how Trino writes it in a message."""

import re

from infra.engines.athena.grammar import Node
from infra.engines.athena.types import literal


def is_constant(node) -> bool:
    """Whether an expression names no column and holds no query."""
    if isinstance(node, Node):
        return node.kind not in ("column", "query", "parameter") and all(is_constant(v) for v in vars(node).values())
    return not isinstance(node, (list, tuple)) or all(map(is_constant, node))


def is_equality(node: Node) -> bool:
    """Whether a condition on one column lists the values that it may have."""
    if node.kind == "comparison" and node.operator == "=":
        sides = (node.left, node.right)
        return any(a.kind == "column" and _is_given(b) for a, b in (sides, sides[::-1]))
    if node.kind == "in_list":
        return not node.negated and node.value.kind == "column" and all(map(_is_given, node.items))
    return node.kind == "logical" and node.operator == "OR" and all(map(is_equality, node.terms))


def _is_given(node: Node) -> bool:
    return node.kind == "parameter" or is_constant(node)


def first_window(part) -> Node | None:
    """The first call with OVER in a tree, outside subqueries."""
    if isinstance(part, Node):
        if part.kind == "call" and part.window is not None:
            return part
        return None if part.kind == "query" else first_window(list(vars(part).values()))
    if isinstance(part, (list, tuple)):
        return next((found for each in part if (found := first_window(each)) is not None), None)
    return None


def written(node: Node, text: str) -> str:
    """An expression as Trino writes it in a message: names as they are, operators in brackets."""
    if node.kind == "column":
        return f'"{node.name}"' if node.quoted and not re.fullmatch(r"[a-z_]\w*", node.name) else node.name
    if node.kind == "field":
        return f"{written(node.base, text)}.{node.name.value}"
    if node.kind in ("binary", "comparison"):
        if node.kind == "binary" and node.operator == "||":
            return f"concat({written(node.left, text)}, {written(node.right, text)})"
        return f"({written(node.left, text)} {node.operator} {written(node.right, text)})"
    if node.kind == "string":
        return literal(node.value)
    if node.kind == "call" and node.filter is None and node.window is None and node.order is None:
        inner = "*" if node.starred else ", ".join(written(a, text) for a in node.args)
        return f"{node.name}({'DISTINCT ' if node.distinct else ''}{inner})"
    return " ".join(text[node.start : node.end].split())

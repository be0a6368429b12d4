"""Answers of the query protocol as XML: what a shape says is worked out once, not for every value.

For answers that are plain dictionaries in the words of AWS's model, as CloudFormation's are; a stack that is being made is asked for them all the time.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

Writer = Callable[[Any, list[str]], None]  # adds the text of a value to the parts
ANY_ID = "request-id"  # moto puts the request's own there


def answer(operation: Any, result: dict[str, Any] | None) -> str:
    """Return the whole answer of an operation.

    Parameters
    ----------
    operation: botocore's model of it
    result: the members of its output by their names in the model; those that are None are left out
    """
    head, write, tail = _frame(operation)
    parts = [head]
    if write is not None:
        write(result or {}, parts)
    parts.append(tail)
    return "".join(parts)


@lru_cache(maxsize=512)
def _frame(operation: Any) -> tuple[str, Writer | None, str]:
    name, output = f"{operation.name}Response", operation.output_shape
    namespace = operation.metadata.get("xmlNamespace")
    head = f'<{name} xmlns="{namespace}">' if namespace else f"<{name}>"
    tail = f"<ResponseMetadata><RequestId>{ANY_ID}</RequestId></ResponseMetadata></{name}>"
    if output is None:
        return head, None, tail
    wrapper = output.serialization.get("resultWrapper", f"{output.name}Result")
    return f"{head}<{wrapper}>", _inside(output, {}), f"</{wrapper}>{tail}"


def _inside(shape: Any, known: dict[str, list[Writer]]) -> Writer:
    """Return what writes a value, without the tag around it.

    Parameters
    ----------
    known: writers of the structures around this one, by name: a shape may hold itself
    """
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, known)
    if kind == "list":
        return _tagged(shape.member.serialization.get("name", "member"), _inside(shape.member, known), many=True)
    if kind == "map":
        return _map("entry", shape, known)
    return lambda value, parts: parts.append(_text(value))


def _structure(shape: Any, known: dict[str, list[Writer]]) -> Writer:
    if shape.name in known:
        later = known[shape.name]
        return lambda value, parts: later[0](value, parts)
    known[shape.name] = made = []
    members: list[tuple[str, Writer]] = []
    for name, member in shape.members.items():
        tag, kind = member.serialization.get("name", name), member.type_name
        if not member.serialization.get("flattened"):
            members.append((name, _tagged(tag, _inside(member, known), many=False)))
        elif kind == "list":
            tag = member.member.serialization.get("name", tag)
            members.append((name, _tagged(tag, _inside(member.member, known), many=True)))
        else:
            members.append((name, _map(tag, member, known)))

    def write(value: Any, parts: list[str]) -> None:
        for name, each in members:
            found = value.get(name)
            if found is not None:
                each(found, parts)

    made.append(write)
    return write


def _tagged(tag: str, inside: Writer, many: bool) -> Writer:
    opened, closed = f"<{tag}>", f"</{tag}>"

    def one(value: Any, parts: list[str]) -> None:
        parts.append(opened)
        inside(value, parts)
        parts.append(closed)

    def each(values: Any, parts: list[str]) -> None:
        for value in values:
            one(value, parts)

    return each if many else one


def _map(tag: str, shape: Any, known: dict[str, list[Writer]]) -> Writer:
    key = _tagged(shape.key.serialization.get("name", "key"), _inside(shape.key, known), many=False)
    item = _tagged(shape.value.serialization.get("name", "value"), _inside(shape.value, known), many=False)

    opened, closed = f"<{tag}>", f"</{tag}>"

    def write(value: Any, parts: list[str]) -> None:
        for name, found in value.items():
            if found is not None:
                parts.append(opened)
                key(name, parts)
                item(found, parts)
                parts.append(closed)

    return write


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if value.microsecond else "%Y-%m-%dT%H:%M:%SZ")
    return escape(str(value))

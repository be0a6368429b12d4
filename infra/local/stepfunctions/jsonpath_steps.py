"""Steps of a JSONPath, what they find in a value, and where a reference path puts one.

A definite path (names and positions only) has one value or none; any other has a list of what it found.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeGuard

from infra.local.core.patterns import Pattern, TooSlow

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "length": len,
    "min": min,
    "max": max,
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "keys": list,
}


class PathNotFound(LookupError):
    """A definite path leads nowhere; the text says at which step."""


class Name(NamedTuple):
    name: str


class Position(NamedTuple):
    at: int


class Slice(NamedTuple):
    start: int | None
    end: int | None
    step: int | None


class Several(NamedTuple):
    keys: tuple[Any, ...]


class Wildcard(NamedTuple):
    pass


class Descend(NamedTuple):
    """`..`: the value and all in it, before the next step."""


class Filter(NamedTuple):
    holds: Callable[[Any, Any], bool]


class Function(NamedTuple):
    name: str


Step = Name | Position | Slice | Several | Wildcard | Descend | Filter | Function


class Path(NamedTuple):
    """A parsed path. `variable` is the workflow variable that it starts at, "" for the input and "$" for the context object."""

    text: str
    variable: str
    steps: tuple[Step, ...]

    @property
    def is_definite(self) -> bool:
        return all(isinstance(step, Name | Position | Function) for step in self.steps)

    @property
    def is_reference(self) -> bool:
        return all(isinstance(step, Name | Position) for step in self.steps)


def find(path: Path, root: Any) -> Any:
    """Return what a path finds in `root`: one value, or a list for an indefinite path. Raises PathNotFound."""
    values = [root]
    walked = "$"
    for number, step in enumerate(path.steps):
        following = [found for value in values for found in _step(step, value, root)]
        if path.is_definite and not following:
            last = number == len(path.steps) - 1
            raise PathNotFound(_not_found(walked, step, last))
        walked += _normal(step)
        values = following
    return values[0] if path.is_definite else values


def put(path: Path, root: Any, value: Any) -> Any:
    """Return a copy of `root` with `value` at a reference path; objects on the way are made. Raises PathNotFound where that cannot be."""
    if not path.steps:
        return value
    step, rest = path.steps[0], path._replace(steps=path.steps[1:])
    if isinstance(step, Name):
        if not isinstance(root, dict):
            raise PathNotFound(f"Missing property in path {_normal_path([step])}")
        return {**root, step.name: put(rest, root.get(step.name, {}), value)}
    if not isinstance(step, Position) or not isinstance(root, list) or not -len(root) <= step.at < len(root):
        raise PathNotFound(f"No results for path: {_normal_path([step])}")
    copied = list(root)
    copied[step.at] = put(rest, root[step.at], value)
    return copied


def _normal(step: Step) -> str:
    if isinstance(step, Name):
        return f"['{step.name}']"
    return f"[{step.at}]" if isinstance(step, Position) else ""


def _normal_path(steps: list[Step]) -> str:
    return "$" + "".join(map(_normal, steps))


def _not_found(walked: str, step: Step, last: bool) -> str:
    if last or isinstance(step, Position):
        return f"No results for path: {walked}{_normal(step)}"
    return f"Missing property in path {walked}{_normal(step)}"


def _step(step: Step, value: Any, root: Any) -> Iterator[Any]:
    match step:
        case Name(name):
            if isinstance(value, dict) and name in value:
                yield value[name]
        case Position(index):
            if isinstance(value, list) and -len(value) <= index < len(value):
                yield value[index]
        case Slice(start, end, by):
            if isinstance(value, list):
                yield from value[start:end:by]
        case Wildcard():
            yield from _children(value)
        case Descend():
            yield from _descendants(value)
        case _:
            yield from _chosen(step, value, root)


def _chosen(step: Several | Filter | Function, value: Any, root: Any) -> Iterator[Any]:
    """What the steps give that look at a value themselves: several names, a filter, a function."""
    match step:
        case Several(keys):
            for key in keys:
                yield from _step(Name(key) if isinstance(key, str) else Position(key), value, root)
        case Filter(holds):
            items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            yield from (item for item in items if holds(item, root))
        case Function(name):
            try:
                yield FUNCTIONS[name](value)
            except (TypeError, ValueError, ZeroDivisionError):
                return


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any) -> Iterator[Any]:
    yield value
    for child in _children(value):
        yield from _descendants(child)


NOTHING = object()


def found(path: Path, value: Any) -> Any:
    """Return what a path of a filter finds, NOTHING if it leads nowhere."""
    try:
        return find(path, value)
    except PathNotFound:
        return NOTHING


def _fits(text: str, pattern: Pattern) -> bool:
    try:
        return pattern.matches(text)
    except TooSlow as error:
        raise PathNotFound(str(error)) from None


def compare(operator: str, left: Any, right: Any) -> bool:
    """Whether a comparison of a filter holds."""
    if operator in ("in", "nin"):
        return (isinstance(right, list) and left in right) == (operator == "in")
    if operator == "=~":
        return isinstance(left, str) and isinstance(right, Pattern) and _fits(left, right)
    if operator in ("==", "!="):
        return _same(left, right) == (operator == "==")
    both = (left, right)
    if not (all(map(is_number, both)) or all(isinstance(value, str) for value in both)):
        return False
    return bool(
        {"<": left.__lt__, ">": left.__gt__, "<=": left.__le__, ">=": left.__ge__}[operator](right)
        if type(left) is type(right)
        else _numbers(operator, float(left), float(right))
    )


def _numbers(operator: str, left: float, right: float) -> bool:
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)

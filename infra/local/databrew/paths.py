"""Which objects a dataset in S3 takes in: its key may have regular expressions in <> and parameters in {}, and there may be conditions and a limit.

Source: https://docs.aws.amazon.com/databrew/latest/dg/datasets.multiple-files.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .filters import compiled

PIECE = re.compile(r"<(?P<expression>[^>]+)>|\{(?P<parameter>[^}]+)\}")
MATCHED = {"String": r"[^/]+", "Number": r"-?\d+(?:\.\d+)?", "Datetime": r"[^/]+"}
DATE_PARTS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "mm": "%M",
    "m": "%M",
    "ss": "%S",
    "s": "%S",
}
NEWEST_FIRST = {"DESCENDING": True, "ASCENDING": False}


class Found(NamedTuple):
    """An object that belongs to a dataset, and the parameters' values in its key that become columns."""

    key: str
    columns: dict[str, Any]


def check(key: str, options: dict[str, Any]) -> None:
    """Raises ValueError for a key or path options that are not valid."""
    Paths(key, options)


class Paths:
    """The rule that a key and path options give. Raises ValueError when they are not valid."""

    def __init__(self, key: str, options: dict[str, Any]):
        self.parameters: dict[str, dict[str, Any]] = options.get("Parameters") or {}
        self._tests = {
            name: compiled(told["Filter"]["Expression"], told["Filter"]["ValuesMap"], told["Type"])
            for name, told in self.parameters.items()
            if told.get("Filter")
        }
        modified = options.get("LastModifiedDateCondition")
        self._modified = compiled(modified["Expression"], modified["ValuesMap"], "Datetime") if modified else None
        self._limit = options.get("FilesLimit")
        self._formats = {
            name: _date_format(told) for name, told in self.parameters.items() if told["Type"] == "Datetime"
        }
        self.prefix = PIECE.split(key)[0] if self._is_pattern(key) else key
        self._pattern = self._compiled(key)

    def _is_pattern(self, key: str) -> bool:
        return bool(self.parameters) or PIECE.search(key) is not None

    def _compiled(self, key: str) -> re.Pattern[str] | None:
        if not self._is_pattern(key):
            return None
        at = 0
        parts: list[str] = []
        seen: list[str] = []
        for match in PIECE.finditer(key):
            parts.append(re.escape(key[at : match.start()]))
            at = match.end()
            if match["expression"]:
                parts.append(f"(?:{match['expression']})")
                continue
            name = match["parameter"]
            if name not in self.parameters:
                raise ValueError(f"The path parameter {{{name}}} is not defined in PathOptions.Parameters.")
            if name in seen:
                raise ValueError(f"The path parameter {{{name}}} is in the path twice.")
            parts.append(f"(?P<p{len(seen)}>{MATCHED[self.parameters[name]['Type']]})")
            seen.append(name)
        missing = [name for name in self.parameters if name not in seen]
        if missing:
            raise ValueError(f"The path has no parameter {{{missing[0]}}}, which PathOptions.Parameters defines.")
        self._names = seen
        tail = r".*" if key.endswith("/") else ""
        try:
            return re.compile("".join([*parts, re.escape(key[at:]), tail]), re.DOTALL)
        except re.error as error:
            raise ValueError(f"The path {key} is not a valid pattern: {error}.") from None

    def chosen(self, objects: list[Any]) -> list[Found]:
        """Return those of the objects that belong to the dataset, in the order of their keys."""
        found = [(item, columns) for item in objects if (columns := self._columns(item)) is not None]
        if self._limit:
            newest = NEWEST_FIRST[self._limit.get("Order", "DESCENDING")]
            found.sort(key=lambda pair: pair[0].last_modified, reverse=newest)
            found = sorted(found[: self._limit["MaxFiles"]], key=lambda pair: pair[0].name)
        return [Found(item.name, columns) for item, columns in found]

    def _columns(self, item: Any) -> dict[str, Any] | None:
        """The new columns' values; None when the object does not belong to the dataset."""
        if item.name.endswith("/") or self._is_hidden(item.name):
            return None
        modified = item.last_modified
        if self._modified and not self._modified(modified if modified.tzinfo else modified.replace(tzinfo=UTC)):
            return None
        if self._pattern is None:
            whole = not self.prefix or self.prefix.endswith("/") or item.name == self.prefix
            return {} if whole or item.name.startswith(f"{self.prefix}/") else None
        match = self._pattern.fullmatch(item.name)
        if match is None:
            return None
        columns = {}
        for number, name in enumerate(self._names):
            told = self.parameters[name]
            value = self._value(name, told["Type"], match[f"p{number}"])
            if value is None or name in self._tests and not self._tests[name](value):
                return None
            if told.get("CreateColumn"):
                columns[told["Name"]] = value
        return columns

    def _is_hidden(self, key: str) -> bool:
        return any(part[:1] in ("_", ".") for part in key[len(self.prefix.rpartition("/")[0]) :].split("/"))

    def _value(self, name: str, kind: str, text: str) -> Any:
        if kind == "Number":
            return float(text)
        if kind == "String":
            return text
        try:
            found = datetime.strptime(text, self._formats[name])
        except ValueError:
            return None  # a file whose name has no such date is not of the dataset
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _date_format(told: dict[str, Any]) -> str:
    options = told.get("DatetimeOptions")
    if not options:
        raise ValueError(f"DatetimeOptions is required for the parameter {told['Name']} of type Datetime.")
    letters = "|".join(DATE_PARTS)
    return re.sub(letters, lambda match: DATE_PARTS[match[0]], options["Format"])

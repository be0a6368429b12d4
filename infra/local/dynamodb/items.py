"""A table's items in the form that moto's table looks for, each of them a row."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item

from infra.local.core.records import LentDict


def _told(key: DynamoType | None) -> list[str]:
    """Return a key's type and value as texts; numbers that are equal have one text."""
    if key is None:
        return []
    return [key.type, str(Decimal(key.value).normalize()) if key.type == "N" else str(key.value)]


def _name(hash_key: DynamoType, range_key: DynamoType | None = None) -> str:
    return json.dumps([*_told(hash_key), *_told(range_key)])


class Ranged(dict[DynamoType, Item]):
    """The items of one hash key, by range key."""

    def __init__(self, rows: LentDict, hash_key: DynamoType):
        super().__init__()
        self._rows, self._hash = rows, hash_key

    def __getitem__(self, key: DynamoType) -> Item:
        item = super().__getitem__(key)
        self._rows.get(_name(self._hash, key))  # it may be changed in place
        return item

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        super().__setitem__(key, item)
        self._rows[_name(self._hash, key)] = item

    def pop(self, key: DynamoType) -> Item:  # type: ignore[override]
        item = super().pop(key)
        self._rows.pop(_name(self._hash, key))
        return item


class Items(dict[DynamoType, Any]):
    """By hash key: the item, or in a table with a range key, the items. `rows` holds all of them, by both keys as text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = LentDict()

    @classmethod
    def of(cls, found: dict[DynamoType, Any]) -> Items:
        """Take over moto's own form."""
        made = cls()
        for key, value in found.items():
            for item in [value] if isinstance(value, Item) else value.values():
                made._put(item, copy.deepcopy(key))
        return made

    def _put(self, item: Item, key: DynamoType) -> None:
        if item.range_key is None:
            self[key] = item
        else:
            self[key][item.range_key] = item

    def __missing__(self, key: DynamoType) -> Ranged:
        ranged = Ranged(self.rows, key)
        dict.__setitem__(self, key, ranged)
        return ranged

    def __getitem__(self, key: DynamoType) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, Item):
            self.rows.get(_name(key))  # it may be changed in place
        return found

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        super().__setitem__(key, item)
        self.rows[_name(key)] = item

    def pop(self, key: DynamoType) -> Item:  # type: ignore[override]
        item: Item = super().pop(key)
        self.rows.pop(_name(key))
        return item

    def __deepcopy__(self, memo: Any) -> Items:
        made = Items()
        for item in self.rows.values():
            copied = copy.deepcopy(item, memo)
            made._put(copied, copied.hash_key)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Items, (), {"rows": self.rows}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.rows = values["rows"]
        for item in self.rows.values():
            if item.range_key is None:
                dict.__setitem__(self, item.hash_key, item)
            else:
                dict.__setitem__(self[item.hash_key], item.range_key, item)

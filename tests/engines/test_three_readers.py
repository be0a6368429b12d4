"""What the crawler says of a file's columns is what Athena reads in it: the records come back as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.engines import three_readers

FILES = 200


def with_all_fields(record: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """A record's values as the types of its columns: whole numbers beside fractions are doubles."""
    return {n: float(v) if columns[n] == "double" else v for n, v in record.items()}


def test_json_comes_back_whole(tmp_path: Path) -> None:
    for seed in range(FILES):
        records = three_readers.random_records(seed)
        path = tmp_path / "a.json"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        columns = three_readers.crawled(path)
        expected = [with_all_fields(record, columns) for record in records]
        found = three_readers.of_athena(path, columns, "openx")
        assert three_readers.in_order(found) == three_readers.in_order(expected), seed


def test_types_of_the_crawler_are_the_narrowest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1, "b": 2147483648, "c": 0.5, "d": [1, 2.5], "e": {"f": [true]}}\n{"a": null, "b": 1}\n')
    assert three_readers.crawled(path) == {
        "a": "int", "b": "bigint", "c": "double", "d": "array<double>", "e": "struct<f:array<boolean>>",
    }  # fmt: skip

"""CloudTrailInputFormat: a file is one JSON document, each of its `Records` a row for the JSON SerDe.

Sources: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html, Trino's CloudTrailLineReader
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats): parts without a schema of their own are given as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_AS_TEXT = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")
_ALSO_AS_TEXT = "userIdentity"


def records(lines: Iterator[str]) -> Iterator[str]:
    """The records of documents, a line each. What is no document of CloudTrail has none."""
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        found = document.get("Records") if isinstance(document, dict) else None
        for record in found if isinstance(found, list) else ():
            if isinstance(record, dict):
                yield json.dumps(_flat(record), ensure_ascii=False)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in record.items() if name not in _AS_TEXT}
    texts = {name: record[name] for name in _AS_TEXT if record.get(name) is not None}
    if record.get(_ALSO_AS_TEXT) is not None:
        texts[f"{_ALSO_AS_TEXT}_as_string"] = record[_ALSO_AS_TEXT]
    return flat | {name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) for name, value in texts.items()}

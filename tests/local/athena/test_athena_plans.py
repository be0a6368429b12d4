"""EXPLAIN in Trino's terms: the names are the query's own, none of another engine."""

from __future__ import annotations

import json

import pytest

from infra.local.athena.sql.translate import translate
from infra.local.athena.statements import plans
from infra.local.athena.statements.steps import steps
from tests.local.athena.test_athena_sql_statements import Catalog


def plan(query: str) -> list[str]:
    """The lines below Output, without their indents."""
    found = translate(query, Catalog(), "music")
    root = steps(query, (0, len(query)), found, Catalog(), "music")
    lines = [line.strip() for line in plans.plan(root, found, "TEXT").split("\n") if line.strip().startswith("- ")]
    assert json.loads(plans.plan(root, found, "JSON"))[0]["name"] == "Output"
    return [line.removeprefix("- ") for line in lines[1:]]


RAW = "table = awsdatacatalog:music:raw"
TRACKS = "table = awsdatacatalog:music:tracks"
EXPECTED = {
    "SELECT uuid FROM raw WHERE day = '01'": [f"ScanFilterProject[{RAW}, columns = [day, uuid], filterPredicate = (day = '01')]"],
    "SELECT count(*) FROM raw r JOIN tracks t ON r.track_id = t.track_id": [
        "Aggregate[functions = [count(*)]]", "InnerJoin[criteria = (r.track_id = t.track_id)]",
        f"TableScan[{RAW}, columns = [track_id]]", f"TableScan[{TRACKS}, columns = [track_id]]",
    ],
    "WITH a AS (SELECT temp FROM raw) SELECT temp FROM a ORDER BY temp DESC LIMIT 2": [
        "TopN[count = 2, orderBy = [temp DESC NULLS LAST]]", f"TableScan[{RAW}, columns = [temp]]",
    ],
    "SELECT tag FROM tracks CROSS JOIN UNNEST(tags) u(tag) ORDER BY 1": [
        "Sort[orderBy = [1 ASC NULLS LAST]]", "Unnest[unnest = [tags]]", f"TableScan[{TRACKS}, columns = [tags]]",
    ],
    "SELECT uuid FROM runs": [f"ScanFilterProject[{RAW}, columns = [activity_type, track_id, uuid], filterPredicate = (activity_type = 'Running')]"],
    "SELECT temp * 2, rank() OVER (ORDER BY temp) FROM raw": [
        "Project[expressions = [(temp * 2), rank() OVER (ORDER BY temp)]]", "Window[functions = [rank() OVER (ORDER BY temp)]]",
        f"TableScan[{RAW}, columns = [temp]]",
    ],
    "VALUES 1, 2 UNION SELECT 3": ["Aggregate[type = FINAL, keys = distinct]", "Union", "Values[rows = 2]", "Project[expressions = [3]]", "Values[rows = 1]"],
}  # fmt: skip


@pytest.mark.parametrize("query", EXPECTED)
def test_plans(query: str) -> None:
    assert plan(query) == EXPECTED[query]

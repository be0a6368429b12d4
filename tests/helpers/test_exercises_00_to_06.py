"""Chapters 00 to 06, the exercises with an answer: right in every form of a number and a text, wrong of each kind with its own sentence."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import prices
from infra.teaching.exercise import Open, Wrong, find

ARTISTS = pd.DataFrame({"artist_name": list("abcdef"), "count": [9, 8, 7, 7, 7, 1]})  # three share the third place
PAIRS = pd.DataFrame({"device_id": [1, 2, 3], "track_name": ["x", "y", "z"], "count": [18, 16, 2]})
HYPHEN = 'SELECT count(*) AS events FROM "processed-data2"'


def ask(sql: str) -> pd.DataFrame:
    """Answer the few queries of these tests as Athena would."""
    answers = {
        HYPHEN: pd.DataFrame({"events": [12]}),
        'SELECT count(*) AS n FROM "processed-data2"': pd.DataFrame({"n": [12]}),
        'SELECT count(*) FROM "processed-data2"': pd.DataFrame({"_col0": [12]}),
        'SELECT count(DISTINCT track_id) AS events FROM "processed-data2"': pd.DataFrame({"events": [3]}),
        "right": PAIRS[PAIRS["count"] >= 16],
        "more": PAIRS,
        "others": PAIRS.tail(2),
        "order": PAIRS[PAIRS["count"] >= 16].iloc[::-1],
        "names": PAIRS.rename(columns={"count": "plays"}),
        "SELECT artist_name, count(*) AS plays FROM processed_data GROUP BY artist_name": ARTISTS.rename(
            columns={"count": "plays"}
        ),
    }
    if sql in ("WHERE clause cannot contain aggregations", "Column 'count' cannot be resolved"):
        raise RuntimeError(f"line 1:75: {sql}")
    tracks = pd.DataFrame({"tracks": [2]})
    return tracks if sql.startswith("SELECT count(DISTINCT track_id) AS tracks") else answers[sql]


NAMES: dict[str, Any] = {
    "track_seconds": 30, "prices": prices, "ask": ask, "artists": ARTISTS, "pairs": PAIRS, "first": 9,
    "profile": {"sampleSize": 100}, "track": {"zerosCount": 3}, "preview": {"rowCount": 48},
}  # fmt: skip
FILE = 1_048_576
EVENTS = FILE // 178
RIGHT = [
    *[("0.1", form) for form in (EVENTS, float(EVENTS), np.int64(EVENTS), Decimal(EVENTS), "5890", " 5,890 ", [EVENTS], (EVENTS,), {EVENTS})],
    *[("0.1", form) for form in (np.array([EVENTS]), pd.Series([EVENTS]), pd.DataFrame({"n": [EVENTS]}))],
    ("0.1", deque([EVENTS])), ("0.1", {"n": EVENTS}.values()), ("0.1", Fraction(EVENTS)), ("0.2", "30_000"), ("1.2", " time. "), ("1.2", "`time`"), ("1.1", 5.0), ("1.1", "5"), ("1.2", "Time"), ("1.2", ["time"]), ("4.1", "0.07"), ("4.1", Decimal("0.073")), ("4.2", HYPHEN), ("4.2", [HYPHEN]), ("4.2", f"  {HYPHEN} ;\n"), ("6.2", ("right;",)),
    ("5.1", np.int32(97)), ("5.4", "16"), ("6.1", 3), ("6.1", np.int64(3)), ("6.2", "right"), ("6.3", Decimal("4.5")), ("6.3", "4.5"), ("6.4", "1,500"),
]  # fmt: skip
WRONG = [
    ("0.1", EVENTS + 1, "round down"), ("0.1", 5890.88, "round down"), ("0.1", 5617, "more than a million"), ("0.1", 178, "Divide"),
    ("0.1", "many", "Give a number"), ("0.1", True, "Give a number"), ("0.1", [1, 2], "these are 2"), ("0.1", {}, "not a dictionary"), ("0.1", 10**400, "far too large"), ("0.1", FILE / 178, "round down"),
    ("0.2", 1000, "not one a second"), ("0.2", 1, "every track_seconds"), ("1.1", 1, "second limit"), ("1.1", 6, "larger result"),
    ("1.2", "size", "the clock stands at 60"), ("1.2", "both", "Say"),
    ("4.1", 0.02444, "whole minute"), ("4.1", 0.00733, "Ten are running"), ("4.1", 0.44, "sixtieth"), ("4.1", "seven cents", "Give a number"),
    ("4.2", HYPHEN.replace('"', "`"), "for DDL"), ("4.2", HYPHEN.replace('"', "'"), "make a text"), ("4.2", HYPHEN.replace('"', ""), "is a minus"),
    ("4.2", HYPHEN.replace("-data2", "_data2"), "is a minus"), ("4.2", 'SELECT count(*) FROM "processed-data2"', "call the column events"),
    ("4.2", 'SELECT count(DISTINCT track_id) AS events FROM "processed-data2"', "not the number of rows"), ("4.2", ask(HYPHEN), "not to what it returns"),
    ("4.2", 12, "not to what it returns"),
    ("5.1", 3, "that are lost"), ("5.1", 100, "track 0"), ("5.1", 48, "of the sample"), ("5.1", 50, "find a partner"),
    ("5.4", 8, "half an hour, not an hour"), ("5.4", 1, "first half hour"), ("5.4", 20, "eight hours"),
    ("6.1", 1, "LIMIT shows one of them"), ("6.1", 2, "Count the rows"), ("6.1", "three", "Give a number"),
    ("6.2", "more", "3 rows; 2 pairs"), ("6.2", "order", "their order is not"), ("6.2", "others", "not the same ones"), ("6.2", "WHERE clause cannot contain aggregations", "Another word"), ("6.2", "Column 'count' cannot be resolved", "once more"), ("4.2", " ; ", "text is empty"), ("6.2", "names", "should have the columns"), ("6.2", PAIRS, "not to what it returns"),
    ("6.3", 9, "Divide them"), ("6.3", 3, "first, divided"), ("6.4", 50, "one day"), ("6.4", 1, "one query"), ("6.4", 7, "count the queries"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_right_in_every_form(number: str, answer: Any) -> None:
    assert find(number).judge(answer, NAMES)


@pytest.mark.parametrize(("number", "answer", "said"), WRONG)
def test_each_kind_of_wrong_has_its_sentence(number: str, answer: Any, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        find(number).judge(answer, NAMES)


def test_without_a_tie_the_third_is_alone() -> None:
    alone = {**NAMES, "artists": ARTISTS.assign(count=[9, 8, 7, 6, 5, 4])}
    assert find("6.1").judge(1, alone).startswith("One: here the third is alone.")
    with pytest.raises(Wrong, match="Count the rows"):
        find("6.1").judge(3, alone)


class Glue:
    def __init__(self, *tables: dict[str, str]):
        self.tables = tables

    def get_tables(self, DatabaseName: str) -> dict[str, Any]:
        return {"TableList": self.tables}


PLACES = ARTISTS.rename(columns={"count": "plays"})


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (PLACES.head(5), ""),
        (PLACES.head(5).assign(plays=pd.array([9, 8, 7, 7, 7], dtype="Int64")), ""),
        (PLACES.head(3), "LIMIT cuts"),
        (PLACES, "row_number"),
        (PLACES.head(2), "LIMIT cuts"),
        (PLACES.head(5).assign(plays=1), "their plays are not"),
        (ARTISTS.head(5), "two columns"),
    ],
)
def test_a_view_that_knows_ties(rows: pd.DataFrame, said: str) -> None:
    def names(*tables: dict[str, str]) -> dict[str, Any]:
        aws = type("Session", (), {"client": lambda self, name: Glue(*tables)})()
        answer = lambda sql: rows if "top_three" in sql else ask(sql)  # noqa: E731
        return {"aws": aws, "database": "d", "ask": answer}

    judge, view = find("6.5").judge, {"Name": "top_three", "TableType": "VIRTUAL_VIEW"}
    with pytest.raises(Open):
        judge(None, names())
    with pytest.raises(Wrong, match="it is a table"):
        judge(None, names({**view, "TableType": "EXTERNAL_TABLE"}))
    if said:
        with pytest.raises(Wrong, match=said):
            judge(None, names(view))
    else:
        assert judge(None, names(view)).startswith("5 artists on three places")


def test_a_view_with_dense_rank() -> None:
    counts = pd.DataFrame({"artist_name": list("abcd"), "plays": [9, 9, 8, 7]})
    view = {"Name": "top_three", "TableType": "VIRTUAL_VIEW"}
    names = {
        "aws": type("Session", (), {"client": lambda self, name: Glue(view)})(),
        "database": "d",
        "ask": lambda sql: counts,
    }
    with pytest.raises(Wrong, match="dense_rank"):
        find("6.5").judge(None, names)


def ties_at_place_five(hits: list[int], answer: Any) -> str:
    query = lambda *_, **__: pd.DataFrame({"hits": hits})  # noqa: E731
    athena = type("Athena", (), {"read_sql_query": staticmethod(query)})
    return str(find("8.2").judge(answer, {"wr": type("Wr", (), {"athena": athena}), "database": "d"}))


def test_ties_at_place_five() -> None:
    assert ties_at_place_five([9, 8, 7, 6, 6, 6, 1], "3").startswith("3 songs share")
    assert ties_at_place_five([9, 8, 7, 6, 5, 4], 1).startswith("One: with this data")
    for answer, said in ((1, "shows it alone"), (2, "Count the rows"), ("two", "Give a number")):
        with pytest.raises(Wrong, match=said):
            ties_at_place_five([9, 8, 7, 6, 6, 6, 1], answer)

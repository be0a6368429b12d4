"""Athena's SQL, statement by statement: answers and refusals written by hand from Trino's reference.

tests/athena_statements/<topic>.txt has one statement a line: `expression => row` or `statement => row ;; row` (values between
` | `), or `statement !! how the error starts`. A line that does not start with a query's keyword is put behind SELECT.
"""

from pathlib import Path

import pytest

from infra.local.athena.sql.translate import Column, QueryError, View, connect, run_time_error, translate

FOLDER = Path(__file__).with_name("athena_statements")
TOPICS = sorted(path.stem for path in FOLDER.glob("*.txt"))

TABLES = {
    ("music", "raw"): (
        [
            Column("uuid", "varchar"),
            Column("device_ts", "varchar"),
            Column("device_id", "integer"),
            Column("temp", "double"),
            Column("track_id", "integer"),
            Column("activity_type", "varchar"),
            Column("day", "varchar"),
        ],
        """('a', '2020-01-01 10:00:00.000', 1, 20.5::DOUBLE, 1, 'Running', '01'),
           ('b', '2020-01-01 11:00:00.000', 2, 21.5::DOUBLE, 2, 'Walking', '01'),
           ('c', '2020-01-02 10:00:00.000', 1, NULL, 1, 'Running', '02'),
           ('d', '2020-01-02 12:00:00.000', 3, 19.0::DOUBLE, NULL, 'Sitting', '02')""",
    ),
    ("music", "tracks"): (
        [Column("track_id", "integer"), Column("track_name", "varchar"), Column("tags", "array(varchar)")],
        "(1, 'One', ['x', 'y']), (2, 'Two', ['z']), (3, 'Three', [])",
    ),
}
VIEWS = {
    ("music", "runs"): View(
        "SELECT uuid, track_id FROM raw WHERE activity_type = 'Running'",
        [Column("uuid", "varchar"), Column("track_id", "integer")],
        "music",
    )
}


class Catalog:
    def columns(self, database, table):
        found = TABLES.get((database, table))
        return found[0] if found else None

    def database_exists(self, database):
        return database == "music"

    def view(self, database, table):
        return VIEWS.get((database, table))


def answer(statement: str) -> str:
    """The rows of a statement as the files write them, or its error."""
    connection = connect()
    try:
        translated = translate(statement, Catalog(), "music")
        for use in translated.tables:
            columns, rows = TABLES[use.database, use.table]
            names = ", ".join(f'"{c.name}"' for c in columns)
            hidden = ', \'s3://lake/raw/file\' AS "$path", 10::BIGINT AS "$file_size"'
            connection.execute(f"CREATE TEMP VIEW {use.name} AS SELECT *{hidden} FROM (VALUES {rows}) v({names})")
        rows = connection.execute(translated.text_sql).fetchall()
    except QueryError as error:
        return "!! " + error.message
    except Exception as error:
        return "!! " + run_time_error(error).message
    finally:
        connection.close()
    return "=> " + " ;; ".join(" | ".join("NULL" if v is None else v for v in row) for row in rows)


def cases(topic: str) -> list[tuple[str, str]]:
    found = []
    for line in (FOLDER / f"{topic}.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        mark = " => " if " => " in line else " !! "
        statement, _, expected = line.partition(mark)
        if not statement.startswith(("SELECT", "WITH", "VALUES", "TABLE", "(SELECT", "*")):
            statement = "SELECT " + statement
        found.append((statement.removeprefix("*"), mark.strip() + " " + expected))
    return found


@pytest.mark.parametrize("topic", TOPICS)
def test_statements_answer_as_athena_does(topic, capsys):
    wrong = []
    statements = cases(topic)
    for statement, expected in statements:
        got = answer(statement)
        right = got.startswith(expected) if expected.startswith("!!") else got.strip() == expected.strip()
        if not right:
            wrong.append(f"{statement}\n    expected {expected}\n    got      {got[:400]}")
    with capsys.disabled():
        print(f"\n{topic}: {len(statements) - len(wrong)} of {len(statements)} statements", end="")
    assert not wrong, "\n".join(wrong)


def test_there_are_enough_statements():
    assert sum(len(cases(topic)) for topic in TOPICS) >= 400

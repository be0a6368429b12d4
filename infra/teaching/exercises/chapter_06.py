"""Chapter 06: ties, groups, plays per track, the price of a dashboard, a view that knows ties."""

from __future__ import annotations

from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong

REFUSED = {  # a part of Athena's message -> what to do
    "WHERE clause cannot contain aggregations": "WHERE chooses rows before they are grouped, so it knows no count(*). Another word chooses groups.",
    "Column 'count' cannot be resolved": "The alias count is made after the groups were chosen: write count(*) once more.",
}


def third_place(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    counts = names["artists"]["count"]
    equal = int((counts == counts[2]).sum())
    if answer == 1 and equal > 1:
        raise Wrong("LIMIT shows one of them. Does the row behind it have the same count?")
    if answer != equal:
        raise Wrong("Count the rows whose count equals that of the third row.")
    if equal == 1:
        return "One: here the third is alone. With equal counts LIMIT would take any of them and say nothing."
    return f"{equal} have the same count; LIMIT takes some of them and says nothing. Sort by a second column, or use rank()."


def pairs_with_many_plays(answer: Any, names: Names) -> str:
    pairs, sql = names["pairs"], forms.sql(answer)
    try:
        rows = names["ask"](sql)
    except Exception as error:
        for reason, sentence in REFUSED.items():
            if reason in str(error):
                raise Wrong(sentence) from None
        raise
    right = pairs[pairs["count"] >= 16]
    if list(rows.columns) != list(right.columns):
        raise Wrong(f"It runs. It should have the columns {', '.join(right.columns)}, in this order.")
    if len(rows) != len(right):
        raise Wrong(f"It runs and has {len(rows)} rows; {len(right)} pairs have at least 16 plays.")
    found, wanted = rows.values.tolist(), right.values.tolist()
    if sorted(map(str, found)) != sorted(map(str, wanted)):
        raise Wrong(
            "As many rows as there should be, but not the same ones: group by device_id and track_name, and count."
        )
    if found != wanted:
        raise Wrong("The rows are right, their order is not: by count, then device_id, then track_name.")
    return "HAVING looks at groups; in Athena it needs count(*) again, the alias is not known there."


def plays_per_track(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    name = names["artists"]["artist_name"][0].replace("'", "''")
    sql = f"SELECT count(DISTINCT track_id) AS tracks FROM processed_data WHERE artist_name = '{name}'"
    tracks = int(names["ask"](sql)["tracks"][0])
    if tracks > 1 and answer == names["first"]:
        raise Wrong("Those are the plays of the artist. Divide them by the artist's number of tracks.")
    if abs(answer - names["first"] / tracks) > 0.01:
        raise Wrong("first, divided by the artist's number of tracks.")
    return f"{names['first'] / tracks:g}, in the middle of the field."


def price_of_a_dashboard(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    price = names["prices"].athena_query(200e9) * 50 * 30
    if abs(answer - price / 30) < 1:
        raise Wrong("That is one day.")
    if abs(answer - price / 50 / 30) < 0.01:
        raise Wrong("That is one query.")
    if abs(answer - price) > 1:
        raise Wrong("One USD a query; now count the queries.")
    return f"{price:,.0f} USD. In Parquet, one column of it, perhaps a hundredth."


def first_three_places(_: Any, names: Names) -> str:
    tables = names["aws"].client("glue").get_tables(DatabaseName=names["database"])["TableList"]
    view = next((table for table in tables if table["Name"] == "top_three"), None)
    if view is None:
        raise Open
    if view.get("TableType") != "VIRTUAL_VIEW":
        raise Wrong("top_three is there, but it is a table. A view keeps the question, not the answer.")
    rows = names["ask"]("SELECT * FROM top_three")
    if sorted(rows.columns) != ["artist_name", "plays"]:
        raise Wrong("The view should have the two columns artist_name and plays.")
    counts = names["ask"]("SELECT artist_name, count(*) AS plays FROM processed_data GROUP BY artist_name")
    right = counts[counts["plays"].rank(method="min", ascending=False) <= 3]
    if set(right["artist_name"]) - set(rows["artist_name"]):
        raise Wrong("Somebody who shares the third place is missing: LIMIT cuts, rank() does not.")
    dense = counts[counts["plays"].rank(method="dense", ascending=False) <= 3]
    if len(rows) == len(dense) > len(right):
        raise Wrong(
            "dense_rank() leaves no place out behind equal counts, so artists come in who are fourth or later: rank()."
        )
    if len(rows) != len(right):
        raise Wrong(
            f"The view has {len(rows)} rows, and {len(right)} artists are on the first three places. row_number() knows no ties."
        )
    if set(zip(rows["artist_name"], rows["plays"], strict=True)) != set(
        zip(right["artist_name"], right["plays"], strict=True)
    ):
        raise Wrong("The artists are right, their plays are not: count the rows of processed_data.")
    return f"{len(rows)} artists on three places. rank() gives equal counts the same place, so nobody is left out by chance."


EXERCISES = [
    Exercise(
        "6.1",
        third_place,
        hints=("Who has as many plays as the third?", 'artists["count"] == artists["count"][2]'),
        solution='answer_6_1 = int((artists["count"] == artists["count"][2]).sum())',
    ),
    Exercise(
        "6.2",
        pairs_with_many_plays,
        hints=(
            "WHERE chooses rows before they are grouped; another word chooses groups.",
            "GROUP BY … HAVING count(*) >= 16 ORDER BY …",
        ),
        solution='''answer_6_2 = """
    SELECT device_id, track_name, count(track_name) AS count FROM processed_data
    GROUP BY device_id, track_name HAVING count(*) >= 16
    ORDER BY count DESC, device_id, track_name
"""''',
    ),
    Exercise(
        "6.3",
        plays_per_track,
        hints=("Divide the plays by the tracks.", "The table above has both numbers."),
        solution='''tracks_of_first = ask(f"""
    SELECT count(DISTINCT track_id) AS tracks FROM processed_data WHERE artist_name = '{artists["artist_name"][0]}'
""")
answer_6_3 = first / int(tracks_of_first["tracks"][0])''',
    ),
    Exercise(
        "6.4",
        price_of_a_dashboard,
        hints=("prices.athena_query(bytes) gives the price of one query.", "One USD a query; now count the queries."),
        solution="answer_6_4 = prices.athena_query(200e9) * 50 * 30",
    ),
    Exercise(
        "6.5",
        first_three_places,
        hints=(
            "rank() OVER (ORDER BY count(*) DESC) gives each artist a place, equal counts the same one.",
            "A window function cannot stand in WHERE: put the query with rank() into FROM (…), and ask for places up to 3 around it.",
        ),
        solution='''run("""
    CREATE OR REPLACE VIEW top_three AS
    SELECT artist_name, plays FROM (
        SELECT artist_name, count(*) AS plays, rank() OVER (ORDER BY count(*) DESC) AS place
        FROM processed_data GROUP BY artist_name
    ) WHERE place <= 3
""")''',
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "They test different suppositions. That all artists are equally likely is wrong by far; that all tracks are equally likely fits, and the winner has two tracks.",
    "All files. DROP TABLE forgets the description and leaves the data, except for tables that Athena manages itself.",
    "When the condition is on the partition column: then other folders are not opened. A question without such a condition reads everything, in more and smaller files than before.",
)

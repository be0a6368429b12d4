"""Chapter 02: what a crawler makes of folders, whether it is done, what it may read; types in a join."""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from infra.teaching import forms, look
from infra.teaching.exercise import Exercise, Names, Open, Wrong

AGAIN = 'deploy("02_trial")'
LEVEL = 4  # of trials/only/raw/: the bucket is 1
NOTHING_ELSE = re.compile(r"trials/slash/raw\d{4}/")


def _tables(names: Names, folder: str) -> dict[str, dict[str, Any]]:
    database = names["trial"]["DatabaseName"]
    return look.tables_below(names["glue"], database, f"s3://{names['bucket']}/{folder}", AGAIN)


def _partition_keys(table: dict[str, Any]) -> list[str]:
    return [key["Name"] for key in table.get("PartitionKeys", [])]


def hive_folders(_: Any, names: Names) -> str:
    placed = look.keys(names["s3"], names["bucket"], "trials/hive/")
    if not placed:
        raise Open
    table = _tables(names, "trials/hive/").get("")
    if table is None:
        raise Wrong('A file is there, and no table of trials/hive/: crawl("trials/hive/").')
    folders = placed[0].removeprefix("trials/hive/").split("/")[:-1]
    keys = _partition_keys(table)
    if not folders or not keys:
        raise Wrong("The file lies in trials/hive/ itself: without folders there are no partition keys.")
    if unnamed := [key for key in keys if key.startswith("partition_")]:
        raise Wrong(f"{unnamed[0]} is there again: a folder that is only a value has no name. Call it year=2026.")
    if keys[:2] != ["year", "month"]:
        raise Wrong(f"The keys are {', '.join(keys)}. What stands before each equals sign is a key: year, then month.")
    return f"{', '.join(keys)}: with Hive-style folders the key's name stands in the path, and the crawler need not invent one."


def only_raw(_: Any, names: Names) -> str:
    below = {
        key.removeprefix("trials/only/").split("/")[0]
        for key in look.keys(names["s3"], names["bucket"], "trials/only/")
    }
    if not below:
        raise Open
    if below != {"raw"}:
        raise Wrong(f"Below trials/only/ there is {', '.join(sorted(below))}. Yesterday there was only raw/.")
    tables = _tables(names, "trials/only/")
    if "" not in tables and tables:
        raise Wrong("The crawler was told where to begin: leave the level away, and begin at trials/only/, not below.")
    if "" not in tables:
        raise Wrong('The file is there, and no table: crawl("trials/only/").')
    keys = _partition_keys(tables[""])
    return (
        f"One table, {tables['']['Name']}, and `raw` is a value of its first key, {keys[0]}: all that is alike below the target becomes one "
        "table. The day the reference data comes, the tables change their names."
    )


def table_level(_: Any, names: Names) -> str:
    if not look.keys(names["s3"], names["bucket"], "trials/only/raw/"):
        raise Open
    tables = _tables(names, "trials/only/")
    crawler = names["glue"].get_crawler(Name=names["trial"]["CrawlerName"])["Crawler"]
    level = json.loads(crawler.get("Configuration") or "{}").get("Grouping", {}).get("TableLevelConfiguration")
    target = crawler["Targets"]["S3Targets"][0]["Path"].removeprefix(f"s3://{names['bucket']}/").rstrip("/")
    if "raw/" in tables and target == "trials/only/raw":
        raise Wrong("There is a table raw, but because the crawler began lower, not by a level. Begin at trials/only/.")
    if "raw/" in tables:
        return f"Level {LEVEL}: bucket, trials, only, raw. Now a folder beside raw/ becomes a table of its own, whatever is in it."
    if target != "trials/only" or level is None:
        raise Open
    if level < LEVEL:
        raise Wrong(f"Level {level} is higher up: the bucket counts too, it is level 1.")
    raise Wrong(f"Level {level} is too deep: the tables are those of the folders below raw/.")


def crawl_without_slash(_: Any, names: Names) -> str:
    placed = look.keys(names["s3"], names["bucket"], "trials/slash/")
    if not placed:
        raise Open
    if not any(NOTHING_ELSE.match(key) for key in placed):
        raise Wrong(
            "Nothing lies where Firehose writes with the prefix trials/slash/raw: it adds the year at once, raw2026/…."
        )
    if not any(key.startswith("trials/slash/raw/") for key in placed):
        raise Wrong("Put a file below trials/slash/raw/ too, as the days before the mistake have left them.")
    tables = _tables(names, "trials/slash/")
    strays = [path for path in tables if NOTHING_ELSE.match(f"trials/slash/{path}")]
    if not strays:
        raise Wrong('The files are there, and no table of them: crawl("trials/slash/").')
    name = tables[strays[0]]["Name"]
    return (
        f"A table {name} beside raw, with partition keys for month, day and hour only. Who asks raw misses these events, and no error says so: "
        "a table with a year in its name is the sign."
    )


def join_of_two_types(answer: Any, names: Names) -> str:
    database, sql = names["trial"]["DatabaseName"], forms.sql(answer)
    right = int(
        _ask(
            names,
            f"SELECT count(*) AS joined FROM raw JOIN {database}.tracks ON raw.track_id = CAST(tracks.track_id AS integer)",
        )[0][0]
    )
    try:
        rows = _ask(names, sql)
    except RuntimeError as error:
        if "TYPE_MISMATCH" in str(error):
            raise Wrong(
                "Still TYPE_MISMATCH: text on one side, a number on the other. CAST(… AS …) changes the type of one."
            ) from None
        raise Wrong(f"Athena says: {error}") from None
    if len(rows) != 1 or len(rows[0]) != 1:
        raise Wrong(
            f"It runs, and answers with {len(rows)} rows of {len(rows[0]) if rows else 0} columns. Ask for one number: count(*)."
        )
    if "tracks" not in sql.lower():
        raise Wrong(f"The query does not look into {database}.tracks, where the ids are text.")
    if not re.fullmatch(r"\d+(\.0*)?", rows[0][0]):
        raise Wrong(f"It runs, and answers {rows[0][0] or 'with nothing'}. Ask for one number: count(*).")
    found = int(float(rows[0][0]))
    if found != right:
        raise Wrong(
            f"It counts {found:,}, and {right:,} events find a track: is it an inner JOIN, on the two track_id?"
        )
    if re.search(r"\bas\s+(varchar|char)\b", sql, re.IGNORECASE):
        return f"{found:,}. It works, and compares text: a '07' or ' 7' in the file would find no event. Turning the text into a number is safer."
    if "try_cast" in sql.lower():
        return f"{found:,}. TRY_CAST makes NULL of what is no number, so such a track finds no event, silently. CAST would fail and tell you."
    return f"{found:,}. CAST says it loud: from text to number, on the side of the small table."


def _ask(names: Names, sql: str) -> list[list[str]]:
    """Return the rows of a query in the lake's database. Raises RuntimeError with Athena's reason."""
    athena, wait_for = names["athena"], names["wait_for"]
    try:
        query = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": names["database"]}, WorkGroup=names["workgroup"]
        )["QueryExecutionId"]
    except ClientError as error:
        raise RuntimeError(error.response["Error"]["Message"]) from None
    execution = wait_for(
        lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"],
        lambda execution: execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
        "query",
        every=0.1,
    )
    if execution["Status"]["State"] != "SUCCEEDED":
        raise RuntimeError(execution["Status"].get("StateChangeReason", execution["Status"]["State"]))
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in rows[1:]]


def is_over(answer: Any, names: Names) -> str:
    """Let the answer wait for a crawl of the trial's crawler, and start the next one when it says that the first is over."""
    if not callable(answer):
        raise Wrong("Give a function of one state, for example: lambda state: state == …")
    glue, crawler, wait_for = names["glue"], names["trial"]["CrawlerName"], names["wait_for"]
    try:
        ask = lambda: glue.get_crawler(Name=crawler)["Crawler"]["State"]  # noqa: E731
        wait_for(ask, lambda state: state == "READY", "crawler", every=0.05)
    except glue.exceptions.EntityNotFoundException:
        raise Wrong(f"The trial's crawler is not there: run the cell with {AGAIN} first.") from None
    glue.start_crawler(Name=crawler)
    state = wait_for(ask, lambda state: state == "READY" or answer(state), "first crawl", every=0.05)
    if state == "READY" and not answer(state):
        raise Wrong(
            "The crawl is over, the crawler is READY, and your function does not see it: it would wait for ever."
        )
    refused = ""
    try:
        glue.start_crawler(Name=crawler)
    except glue.exceptions.CrawlerRunningException:
        refused = ", and the next start was refused: CrawlerRunningException"
    wait_for(ask, lambda state: state == "READY", "second crawl", every=0.05)
    for early, what in (
        ("RUNNING", "looks at files"),
        ("STOPPING", "writes its tables"),
    ):  # a short one may not be seen
        if answer(early):
            raise Wrong(f"At {early} your function said that it is over; it still {what}{refused}.")
    return "It waited for READY, and the next crawl could start at once. Every other condition is true too early, or never."


def missing_right(_: Any, names: Names) -> str:
    iam, role = names["aws"].client("iam"), names["trial"]["RoleName"]
    try:
        policy = iam.get_role_policy(RoleName=role, PolicyName="crawl-trials")["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        raise Wrong(f"The trial's role is not there: run the cell with {AGAIN} first.") from None
    more = next((statement for statement in policy["Statement"] if statement.get("Sid") == "More"), None)
    if more is None:
        raise Open
    action = more["Action"] if isinstance(more["Action"], str) else ", ".join(more["Action"])
    folder = str(more["Resource"]).partition(":::")[2].partition("/")[2]
    if "*" in action:
        raise Wrong(f"{action} is a great deal more than one right. The crawler's log names what it could not do.")
    if action.lower() != "s3:getobject":
        raise Wrong(
            f"The role may now {action}, and that is not what it lacked: the crawler can list the folder, but not read its files."
        )
    if folder != "incoming/*":
        raise Wrong(
            f"The right is the right one, but for {folder or 'nothing'}: the whole bucket is too much, incoming/ is enough."
        )
    tables = look.tables_below(
        names["glue"], names["trial"]["DatabaseName"], f"s3://{names['bucket']}/incoming/", AGAIN
    )
    if not tables:
        raise Wrong('The role has the right now. Crawl once more: crawl("incoming/").')
    return "s3:GetObject on incoming/*, and nothing else. The crawl had SUCCEEDED without it: whoever only looks at the status never finds out."


EXERCISES = [
    Exercise(
        "2.1",
        hive_folders,
        hints=(
            "Folders named `key=value` are called Hive style. Firehose writes them with the prefix year=!{timestamp:yyyy}/….",
            'place("trials/hive/year=2026/month=…/events.json"), and then crawl("trials/hive/").',
        ),
        solution='place("trials/hive/year=2026/month=01/events.json")\ncrawl("trials/hive/")',
        answer=False,
    ),
    Exercise(
        "2.2",
        only_raw,
        hints=(
            "The crawler starts at its target and goes down as long as everything below looks alike.",
            'place("trials/only/raw/2026/01/05/09/events.json"), and then crawl("trials/only/").',
        ),
        solution='place("trials/only/raw/2026/01/05/09/events.json")\ncrawl("trials/only/")',
        answer=False,
    ),
    Exercise(
        "2.3",
        table_level,
        hints=("Count down from the bucket, which is 1.", "The bucket is 1, trials 2, only 3."),
        solution='crawl("trials/only/", level=4)',
        answer=False,
    ),
    Exercise(
        "2.4",
        crawl_without_slash,
        hints=(
            "Firehose puts the year's folder behind the prefix, and adds nothing in between.",
            'One file in trials/slash/raw/2026/01/05/09/, one in trials/slash/raw2026/01/05/09/, and crawl("trials/slash/").',
        ),
        solution="""place("trials/slash/raw/2026/01/04/09/events.json")
place("trials/slash/raw2026/01/05/09/events.json")
crawl("trials/slash/")""",
        answer=False,
    ),
    Exercise(
        "2.5",
        is_over,
        hints=(
            "A crawler is RUNNING, then STOPPING, then READY. When are the tables there, and when may it be started again?",
            "lambda state: state == …, with the only state in which it does nothing.",
        ),
        solution='answer_2_5 = lambda state: state == "READY"',
    ),
    Exercise(
        "2.6",
        missing_right,
        hints=(
            'aws.client("logs").get_log_events(logGroupName="/aws-glue/crawlers", logStreamName=trial["CrawlerName"]) has the crawler\'s lines.',
            'It can list, but not read: deploy("02_trial", MoreAction="s3:…", MoreFolder="incoming/"), then crawl("incoming/").',
        ),
        solution='deploy("02_trial", MoreAction="s3:GetObject", MoreFolder="incoming/")\ncrawl("incoming/")',
        answer=False,
    ),
    Exercise(
        "2.7",
        join_of_two_types,
        hints=(
            "There is a standard SQL function that changes a type.",
            "… ON raw.track_id = CAST(tracks.track_id AS integer)",
        ),
        solution='''answer_2_7 = f"""
    SELECT count(*) AS joined FROM raw
    JOIN {trial["DatabaseName"]}.tracks AS tracks ON raw.track_id = CAST(tracks.track_id AS integer)
"""''',
    ),
]

CHECK_YOURSELF = (
    "A crawler that is STOPPING still writes its tables, and cannot be started again. Only READY says that the tables are there and that the next start will be accepted.",
    "Firehose's prefix: data/raw/year=!{timestamp:yyyy}/… in place of data/raw/. The files that are there already would keep their folders.",
    "In a JSON file the columns are mixed, line by line. Nothing says where a column's values are, so every byte has to be read to find them.",
)

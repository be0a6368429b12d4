"""Chapter 08: a loop that never gives up, ties, a version with a name, a blocked shard, windows of several shards, a right for one folder."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong

MORE = ("s3:GetObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:PutObjectTagging")


def seconds_of_sleep(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    right = sum(names["slept"])
    if answer == len(names["slept"]) != right:
        raise Wrong("That is how often it sleeps. Add up for how long.")
    if answer == 10 != right:
        raise Wrong("At 10 seconds the process is killed. Add up for how long the loop would sleep.")
    if answer != right:
        raise Wrong("Add up the list `slept`.")
    return f"{right} seconds of sleep in a function that may live for 10."


def songs_at_place_five(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    songs = names["wr"].athena.read_sql_query(
        "SELECT count(*) AS hits FROM processed_data GROUP BY track_name, artist_name ORDER BY hits DESC",
        database=names["database"],
        workgroup="AnalyticsWorkshop",
        ctas_approach=False,
    )
    right = int((songs["hits"] == songs["hits"][4]).sum())
    if answer == 1 and right > 1:
        raise Wrong("LIMIT 5 shows it alone. Do rows behind it, or before it, have the same number of hits?")
    if answer != right:
        raise Wrong(
            "Count the rows of `songs` whose hits equal those of the fifth row; ask for more rows if the last is one of them."
        )
    if right == 1:
        return "One: with this data the fifth place is clear. With equal counts LIMIT would take any of them."
    return f"{right} songs share the count of the fifth place; LIMIT takes some of them and says nothing."


def alias_live(_: Any, names: Names) -> str:
    functions, name = names["functions"], names["name"]
    aliases = {each["Name"]: each for each in functions.list_aliases(FunctionName=name)["Aliases"]}
    if "live" not in aliases:
        raise Open
    version = aliases["live"]["FunctionVersion"]
    if version == "$LATEST":
        raise Wrong("`live` points to $LATEST, which changes with every update. Publish a version first.")
    published = functions.get_function_configuration(FunctionName=name, Qualifier=version)["CodeSha256"]
    if published != functions.get_function_configuration(FunctionName=name)["CodeSha256"]:
        raise Wrong(f"Version {version} has other code than the mended function.")
    return f"`live` is version {version}, whatever happens to $LATEST; moving the alias is a release, moving it back undoes it."


def blocked_hours(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    if answer in (float("inf"), -1):
        raise Wrong("The retries have no end, but the record has: what does the stream do with old ones?")
    if answer in (24 * 60, 24 * 3600):
        raise Wrong("The unit is another one: give hours. How long does the stream keep the record?")
    if answer != 24:
        raise Wrong("Until the record is gone. How long does the stream keep it?")
    return "24: until the stream forgets the record, and with it all that waited behind it for as long."


def calls_of_four_shards(answer: Any, names: Names) -> str:
    told = forms.numbers(answer, 2)
    if told in ((4, 4), (4, 1)):
        raise Wrong("Each shard has a state of its own. Who adds them up?")
    if told == (1, 1):
        raise Wrong("The function is called for each shard, with that shard's state.")
    if told != (4, 0):
        raise Wrong("Two numbers: last calls for a window, and how many of those know the total.")
    return "Four last calls and no total: somebody has to add them up, outside of the function."


def _statements(answer: Any) -> list[Any]:
    """Return the statements of an answer: one, a list of them, or a whole policy; as Python's dictionaries or as JSON."""
    if isinstance(answer, str) and answer.lstrip()[:1] in ("{", "["):
        try:
            answer = json.loads(answer)
        except ValueError as error:
            raise Wrong(f"That text is no JSON: {error}.") from None
    if isinstance(answer, dict) and "Statement" in answer:
        answer = answer["Statement"]
    statements = list(answer) if isinstance(answer, list | tuple) else [answer]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise Wrong("Set the answer to a whole statement: a dictionary with Effect, Action and Resource.")
    return statements


def a_right_for_one_folder(answer: Any, names: Names) -> str:
    statements = _statements(answer)
    try:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, default=list)
    except TypeError as error:
        raise Wrong(f"A statement is JSON: dictionaries, lists and texts. {error}.") from None

    def may(action: str, place: str) -> bool:
        asked = {"ActionNames": [action], "ResourceArns": [f"arn:aws:s3:::{place}"]}
        try:
            found = names["aws"].client("iam").simulate_custom_policy(PolicyInputList=[policy], **asked)
        except ClientError as error:
            raise Wrong(f"IAM does not take it: {error.response['Error']['Message']}") from None
        return bool(found["EvaluationResults"][0]["EvalDecision"] == "allowed")

    bucket = names["bucket"]
    if not may("s3:PutObject", f"{bucket}/serve/today.json"):
        raise Wrong(
            "Still denied. An object's ARN has its key behind the bucket's name: the bucket is not its objects."
        )
    if not may("s3:PutObject", f"{bucket}/serve/2026/11/tomorrow.json"):
        raise Wrong("That object, and no other under serve/. A star stands for all that follows.")
    if may("s3:PutObject", f"{bucket}/data/raw/today.json"):
        raise Wrong("It may put objects everywhere in the bucket now, over the events too. Name the folder in the ARN.")
    if may("s3:PutObject", f"{bucket}/served/today.json"):
        raise Wrong(
            "A star behind serve takes served/… and server.json too. The folder's slash stands before the star."
        )
    if may("s3:PutObject", f"{bucket}/data/serve/today.json") or may("s3:PutObject", f"{bucket}-2/serve/today.json"):
        raise Wrong("A star in front takes other folders or other buckets too. One star is enough, at the end.")
    if more := [action for action in MORE if may(action, f"{bucket}/serve/today.json")]:
        raise Wrong(f"It may {' and '.join(more)} too; it was to put, and nothing else.")
    return "The resource of an action on objects is `bucket/key`: with `serve/*` the function has what it needs, and no more."


EXERCISES = [
    Exercise(
        "8.1",
        seconds_of_sleep,
        hints=("The list above has all its sleeps.", "sum(slept)"),
        solution="answer_8_1 = sum(slept)",
    ),
    Exercise(
        "8.2",
        songs_at_place_five,
        hints=("The fifth row has the index 4.", 'songs["hits"] == songs["hits"][4]'),
        solution="""
counts = wr.athena.read_sql_query(
    "SELECT count(*) AS hits FROM processed_data GROUP BY track_name, artist_name ORDER BY hits DESC",
    database=database, workgroup="AnalyticsWorkshop", ctas_approach=False,
)["hits"]
answer_8_2 = int((counts == counts[4]).sum())
""",
    ),
    Exercise(
        "8.3",
        alias_live,
        hints=(
            "publish_version gives a number; create_alias gives it a name.",
            'functions.create_alias(FunctionName=name, Name="live", FunctionVersion=…)',
        ),
        solution="""
version = functions.publish_version(FunctionName=name)["Version"]
if "live" in [each["Name"] for each in functions.list_aliases(FunctionName=name)["Aliases"]]:
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
else:
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
""",
        answer=False,
    ),
    Exercise(
        "8.4",
        blocked_hours,
        hints=("Retries have no end here.", "What happens to a record in the stream after its retention?"),
        solution="answer_8_4 = 24",
    ),
    Exercise(
        "8.5",
        calls_of_four_shards,
        hints=("A window's state is kept for each shard.", "No call sees the state of another shard."),
        solution="answer_8_5 = (4, 0)",
    ),
    Exercise(
        "8.6",
        a_right_for_one_folder,
        hints=(
            "The message's resource ends in a key. Where does the statement's end?",
            'f"arn:aws:s3:::{bucket}/serve/…"',
        ),
        solution="""answer_8_6 = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/serve/*"}""",
    ),
]

CHECK_YOURSELF = (
    "Ten looks with 0 to 9 seconds between them are 45 seconds of sleep, and Lambda ends the process after 10.",
    "They wait. The batch is tried again and again, and nothing behind it in the shard is read, until it succeeds, is given up by a setting of the mapping, or is too old for the stream.",
    "Lambda: those that arrived in the same seconds on the same shard. Flink: those that happened in the same span of time, whenever they arrived and on whichever shard.",
)

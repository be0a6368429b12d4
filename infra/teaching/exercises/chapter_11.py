"""Chapter 11: why the first stack goes last, what a deleted stack leaves behind, something hidden."""

from __future__ import annotations

from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong


def why_not_first(answer: Any, names: Names) -> str:
    word = forms.word(answer).rstrip("s")
    if word == "version":
        raise Wrong("Versions hold up the bucket, later. CloudFormation refuses before it touches anything.")
    if word == "write":
        raise Wrong("That brings files back into a bucket, but CloudFormation does not look at it.")
    if word != "export":
        raise Wrong("Which of the three is something that other stacks hold on to?")
    return "Its exports: the bucket's name is imported by nearly every later stack, and what is in use is kept."


def left_behind(answer: Any, names: Names) -> str:
    if not names["delete"]:
        return "Nothing was deleted in this run, so anything is still there."
    kinds = {item.kind.lower() for item in names["find"](names["aws"])}
    if not kinds:
        return "Nothing: you have deleted what the stacks had left before you came here."
    answer = getattr(answer, "kind", answer)  # an item of find's list
    word = forms.word(answer)
    if not kinds & {word, word.removesuffix("s")}:
        raise Wrong(f"find(aws) does not list {answer!r} any more. Ask it, and take a kind that is there.")
    return "Made by a service while it worked, and known to no stack."


def hidden_thing(_: Any, names: Names) -> str:
    if not names["delete"]:
        return "Nothing was hidden in this run."
    groups = names["logs"].describe_log_groups(logGroupNamePrefix=names["forgotten"])["logGroups"]
    if groups:
        raise Open
    return "Gone. It would have kept its lines for ever, for 0.03 USD a GB and month."


EXERCISES = [
    Exercise(
        "11.1",
        why_not_first,
        hints=(
            "What do the later stacks have of the first?",
            "CloudFormation keeps what is still used: look at step 4.",
        ),
        solution='answer_11_1 = "export"',
    ),
    Exercise(
        "11.2",
        left_behind,
        hints=("Who wrote logs?", "{item.kind for item in find(aws)}"),
        solution='answer_11_2 = "log group" if not delete or not find(aws) else find(aws)[-1].kind',
    ),
    Exercise(
        "11.3",
        hidden_thing,
        hints=("find(aws) lists everything of the workshop.", "It is a log group; logs.delete_log_group deletes it."),
        solution="for item in find(aws):\n    item.delete()",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "While the other things go, their services may still write a last line; a group that is deleted before comes back with it.",
    "Nothing is lost: the resources that could be deleted are gone, the stack has kept the others. Take away the reason (empty the bucket) and delete the stack again.",
    "The inventory. Stacks that are gone prove only that what they made is gone; services and you have made more.",
)

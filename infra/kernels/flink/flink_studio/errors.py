"""Flink's errors in one or two lines: the root cause, and the place in the cell."""

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from py4j.java_gateway import JavaObject

from infra import project

from .paragraph import Statement
from .told import Told

# Wrappers that say nothing which their cause does not say better.
WRAPPERS = (
    "JobExecutionException",
    "JobException",
    "ProgramInvocationException",
    "ExecutionException",
    "CompletionException",
    "UndeclaredThrowableException",
    "SerializedThrowable",
    "FlinkJobTerminatedWithoutCancellationException",
)
EMPTY = (
    "Failed to fetch next result",
    "Failed to fetch job execution result",
    "Failed to execute sql",
    "Failed to wait job finish",
)
PLACE = re.compile(r"(?:From|At|at) line (\d+), column (\d+)(?: to line \d+, column \d+)?:?\s*")
CAUSE = re.compile(r"^(?:Caused by: |: )?(?P<type>[\w.$]+(?:Exception|Error|Throwable)\w*)(?:: (?P<text>.*))?$")
AWS_MORE = re.compile(r", S3 Extended Request ID:.*$|(?<=: )(?:[a-z]\w*\.)+\w+(?:Exception|Error): ")
REAL_AWS = re.compile(r"\S*amazonaws\.com")
AWS_TAIL = re.compile(r" \(Service: [^;]+; Status Code: \d+; Error Code: (\w+);[^)]*\)")
UNKNOWN = re.compile(r"(?P<what>Object|Column|Table|function signature) '?(?P<name>\w+)")
SKIP = (
    "\nThe job ends at the first record that the table cannot read. To skip and count such records, set '{0}.ignore-parse-errors' = 'true' in the "
    "table's options, or write FROM table /*+ OPTIONS('{0}.ignore-parse-errors'='true') */."
)
HINTS = {
    "Failed to deserialize JSON": SKIP.format("json"),
    "Failed to deserialize CSV": SKIP.format("csv"),
    "Could not acquire the minimum required resources": "\nAll slots of this Flink are taken by other jobs: z.jobs() lists those in the background, "
    "z.cancel() stops them.",
    "RowTime field should not be null": "\nA record has no value in the event-time column, and Flink cannot place it in time. Leave such records out "
    "when they are put, or declare the table without WATERMARK.",
}
ROW_OF_VALUES = re.compile(r"\bVALUES\s*\(\s*ROW\b", re.I)
NO_AWS = (
    "this kernel uses the local AWS and knows no other address. Leave 'aws.endpoint' out, and 'scan.stream.recordpublisher' = 'EFO': enhanced fan-out "
    "of Flink needs HTTP/2, which the local AWS has not."
)
HARNESS = "Error received from SDK harness"
PYTHON_ERROR = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:: .+)?$")
PYTHON_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
SINK_OPTIONS = re.compile(r"\bINTO\b[^;]*?/\*\+\s*OPTIONS\b.*?\*/\s*(?:SELECT|VALUES|WITH|\()", re.I | re.S)
WIDTH = 300


class FlinkError(Told):
    """What Flink says, in one or two lines."""


@dataclass(frozen=True)
class Explained:
    """A root cause: its message, and line and column in the statement (from 1) if Flink tells them."""

    message: str
    line: int | None = None
    column: int | None = None
    token: str | None = None


def stack_trace(error) -> str:
    """The Java stack trace of a py4j or pyflink exception, or of a Java Throwable."""
    # a Java object seems to have every attribute
    java = error if isinstance(error, JavaObject) else getattr(error, "java_exception", None)
    if java is not None:
        lines = []
        while java is not None:
            lines.append(f"Caused by: {java.toString()}")
            java = java.getCause()
        return "\n".join(lines)
    return getattr(error, "stack_trace", None) or str(error)


def failure(error) -> str:
    """Why a job failed, and what to do when that is known; `error` is an exception or a Java stack trace."""
    message = explain(error).message
    if (address := REAL_AWS.search(message)) and project.is_local(os.environ.get("AWS_PROFILE")):
        return f"Flink does not reach {address[0]}, which is real AWS: {NO_AWS}"
    return message + next((hint for start, hint in HINTS.items() if start in message), "")


def explain(error) -> Explained:
    """Find the root cause of an error that came from Java."""
    if python := _python_error(stack_trace(error)):
        return Explained(python)
    causes: list[tuple[str, str]] = []
    for line in stack_trace(error).splitlines():
        match = CAUSE.match(line)
        if match:
            causes.append((match["type"].rpartition(".")[2], match["text"] or ""))
        elif causes and not line.startswith(("\t", "    at ", "   at ")) and line.strip():
            causes[-1] = (causes[-1][0], f"{causes[-1][1]}\n{line}")
    if not causes:
        return Explained(str(error))
    telling = [cause for cause in causes if cause[0] not in WRAPPERS and cause[1] and not cause[1].startswith(EMPTY)]
    telling = telling or [causes[-1]]
    place = next((match for _, text in telling if (match := PLACE.search(text))), None)
    lines: list[str] = []
    for kind, text in telling[-2:] if place is None else telling[-1:]:
        line = _one_line(kind, text)
        if not any(line in other or other in line for other in lines):
            lines.append(line)
    token = re.search(r'Encountered "([^"]*)"', telling[-1][1])
    return Explained("\n".join(lines), place and int(place[1]), place and int(place[2]), token and token[1])


def _python_error(trace: str) -> str:
    """What a Python function failed with, and its line in the cell; empty where the error is none of a function's."""
    _, begin, told = trace.partition(HARNESS)
    if not begin:
        return ""
    raised = [line.strip() for line in told.splitlines() if PYTHON_ERROR.match(line)]
    frames = [
        frame for frame in PYTHON_FRAME.findall(told) if not re.search(r"site-packages|/lib/python|<frozen", frame[0])
    ]
    place = f" (line {frames[-1][1]} of its cell, in {frames[-1][2]})" if frames else ""
    return f"A Python function failed: {raised[-1] if raised else 'it gave no reason'}{place}"


def _one_line(kind: str, text: str) -> str:
    text = re.split(r"\nWas expecting|\s*Table options are:|\s*Supported options:", text)[0]
    text = PLACE.sub("", text).replace("SQL validation failed. ", "").replace("SQL parse failed. ", "")
    text = re.sub(r"^(?:[\w$]+\.)+[\w$]+(?:Exception|Error): ", "", text)
    text = AWS_TAIL.sub(r" (\1)", " ".join(text.split()).replace('" .', '".')).replace(". (", " (")
    text = AWS_MORE.sub("", text)
    if not text:
        return kind
    return text if len(text) <= WIDTH else text[:WIDTH] + " …"


def sql_error(error, statement: Statement, tables: Iterable[str], names: Iterable[str] = ()) -> FlinkError:
    """An error of a statement, with the place in the cell and the line that it is in.

    Args:
        error: the exception from Java.
        statement: the statement that was run.
        tables: names of existing tables and views.
        names: of columns and functions that the statement may mean.
    """
    explained = explain(error)
    if explained.line is None or explained.column is None:
        hint = _row_of_values(explained, statement) or _hint_for_a_sink(stack_trace(error), statement)
        return FlinkError(f"Flink: {explained.message}{hint}")
    tables = {name.lower() for name in tables}
    line = statement.line + explained.line - 1
    column = explained.column + (statement.column - 1 if explained.line == 1 else 0)
    text = statement.text.splitlines()[explained.line - 1]
    message = f"Flink, line {line}, column {column}: {explained.message}"
    message += f"\n    {text}\n    {' ' * (explained.column - 1)}^"
    hint = _reserved_word(explained, statement, tables) or _did_you_mean(explained.message, tables, names)
    return FlinkError(message + hint)


def _row_of_values(explained: Explained, statement: Statement) -> str:
    """A hint for VALUES (ROW(…)), which Flink's parser takes for the columns of the row itself."""
    if "Different number of columns" not in explained.message or not ROW_OF_VALUES.search(statement.plain):
        return ""
    return "\nVALUES (ROW(a, b)) means the two columns a and b: for one column that is a ROW write SELECT ROW(a, b)."


def _hint_for_a_sink(trace: str, statement: Statement) -> str:
    """The connector changes the options of what it writes to, and those of a hint cannot be changed."""
    if "UnsupportedOperationException" not in trace or not SINK_OPTIONS.search(statement.text):
        return ""
    return "\nThe Kinesis connector takes no OPTIONS for a table that is written: give them to the table, with ALTER TABLE … SET or CREATE TABLE … LIKE."


def _did_you_mean(message: str, tables: set[str], names: Iterable[str]) -> str:
    unknown = UNKNOWN.search(message)
    if unknown is None:
        return ""
    known = tables if unknown["what"] in ("Object", "Table") else sorted(names)
    close = difflib.get_close_matches(unknown["name"], known, n=1) or difflib.get_close_matches(
        unknown["name"].upper(), known, n=1
    )
    return f"\nDid you mean {close[0]}?" if close else ""


def _reserved_word(explained: Explained, statement: Statement, tables: set[str]) -> str:
    """A hint when the parser stumbles over a word that is reserved in Flink's SQL, such as `raw`."""
    word = (explained.token or "").split(" ")[-1].strip("`")
    before = statement.text.splitlines()[: explained.line]
    before[-1] = before[-1][: (explained.column or 1) - 1]
    is_named = bool(re.search(r"(?:\b(?:FROM|JOIN|INTO|TABLE|DESCRIBE|DESC|AS|VIEW)|[,.])\s*$", " ".join(before), re.I))
    if not re.fullmatch(r"\w+", word):
        # the parser went one word further before it noticed
        last = re.search(r"(\w+)\W*$", " ".join(before))
        word, is_named = (last[1], True) if last and last[1].lower() in tables else ("", False)
    if word and (is_named or word.lower() in tables):
        return f"\n{word} is a reserved word in Flink's SQL: write it in backticks, `{word}`."
    return ""

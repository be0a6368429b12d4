"""Zeppelin's Flink paragraphs as text: the first line with its options, and the SQL statements below it."""

import re
from dataclasses import dataclass, field

from infra.engines.flink.cluster import SLOTS

from .told import Told

# What Zeppelin's Flink interpreter knows, and what each SQL interpreter of this kernel accepts.
STREAM_TYPES = ("update", "append", "single")
OPTIONS = {
    "ssql": ("type", "refreshInterval", "threshold", "template", "parallelism", "jobName", "runAsOne"),
    "bsql": ("parallelism", "jobName", "runAsOne"),
    "pyflink": (),
}
HEADER = re.compile(r"%flink(?:\.(?P<interpreter>\w*))?[ \t]*(?:\((?P<options>(?:[^()\"']|\"[^\"]*\"|'[^']*')*)\))?")
QUERY_WORDS = ("SELECT", "WITH", "VALUES", "TABLE", "(")


class ParagraphError(Told):
    """A paragraph that this kernel does not accept; the message says what to write instead."""


@dataclass(frozen=True)
class Options:
    """The options in the parentheses of a paragraph's first line, with Zeppelin's names and defaults."""

    type: str | None = None
    refresh_ms: int = 500  # Zeppelin's own default is 3000; a learner should see a record within a second
    threshold_ms: int = 3_600_000
    template: str = "{0}"
    parallelism: int | None = None
    job_name: str | None = None
    run_as_one: bool = False


@dataclass(frozen=True)
class Statement:
    """One SQL statement of a cell: its text, and the line and column (from 1) of its first character in the cell."""

    text: str
    line: int
    column: int

    @property
    def words(self) -> list[str]:
        """The first words in upper case, comments left out."""
        return _blank_comments(self.text).replace("(", " ( ").upper().split()[:6]

    @property
    def plain(self) -> str:
        """The text without comments."""
        return _blank_comments(self.text).strip()

    @property
    def kind(self) -> str:
        """`query`, `insert`, `set`, `show` (it answers with a table) or `ddl`."""
        first = self.words[0]
        if first in QUERY_WORDS:
            return "query"
        if first in ("INSERT", "EXECUTE"):
            return "insert"
        if first in ("SET", "RESET"):
            return "set"
        if first in ("SHOW", "DESCRIBE", "DESC", "EXPLAIN"):
            return "show"
        return "ddl"


@dataclass(frozen=True)
class Paragraph:
    """A cell that starts with `%flink…`: interpreter (`ssql`, `bsql`, `pyflink`), options, and the text below."""

    interpreter: str
    options: Options
    body: str
    first_line: int
    statements: list[Statement] = field(default_factory=list)


def is_paragraph(cell: str) -> bool:
    """Whether the first line with text starts with `%flink`."""
    return bool(re.match(r"%flink\b", cell.lstrip()))


def parse(cell: str) -> Paragraph:
    """Read a cell that starts with `%flink.ssql`, `%flink.bsql` or `%flink.pyflink`.

    Raises:
        ParagraphError: another interpreter, an unknown option, an option's value that is not possible.
    """
    blank = len(cell) - len(cell.lstrip())
    match = HEADER.match(cell, blank)
    assert match is not None, "only paragraphs come here: is_paragraph"
    interpreter = match["interpreter"]
    if interpreter is None or interpreter == "":
        raise ParagraphError(
            "%flink is Scala, which this kernel has not: write %flink.pyflink for Python or %flink.ssql for SQL."
        )
    if interpreter not in OPTIONS:
        raise ParagraphError(
            f"%flink.{interpreter} is not known here: use %flink.ssql (streaming SQL), %flink.bsql (batch SQL) or "
            "%flink.pyflink (Python)."
        )
    if cell[match.end() : match.end() + 1] == "(":
        raise ParagraphError(
            "The parentheses of the first line are not closed: write for example %flink.ssql(type=update)."
        )
    body = cell[match.end() :]
    if re.search(r"^%flink\b", body, re.MULTILINE):
        raise ParagraphError("A cell holds one paragraph: put the second %flink line into a cell of its own.")
    options = _options(interpreter, match["options"] or "")
    first_line = cell.count("\n", 0, match.end()) + 1
    column = match.end() - (cell.rfind("\n", 0, match.end()) + 1) + 1
    statements = [] if interpreter == "pyflink" else split(body, first_line, column)
    return Paragraph(interpreter, options, body, first_line, statements)


def _options(interpreter: str, text: str) -> Options:
    given = {}
    for name, quoted, single, bare, flag in re.findall(
        r"\s*(?:(\w[\w.]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^,]*))|([^,=]+))\s*(?:,|$)", text
    ):
        if name:
            given[name] = (quoted or single or bare).strip()
        elif flag.strip():
            given[flag.strip()] = "true"
    allowed = OPTIONS[interpreter]
    for name in given:
        if name not in allowed:
            known = f"it knows {', '.join(allowed)}" if allowed else "it takes none"
            raise ParagraphError(f"%flink.{interpreter} has no option {name!r}: {known}.")
    kind = given["type"].lower() if "type" in given else None
    if kind is not None and kind not in STREAM_TYPES:
        raise ParagraphError(f"type={given['type']} is not possible: use type=update, type=append or type=single.")
    defaults = Options()
    return Options(
        type=kind,
        refresh_ms=_number(given, "refreshInterval", 100) or defaults.refresh_ms,
        threshold_ms=_number(given, "threshold", 1) or defaults.threshold_ms,
        template=given.get("template", defaults.template),
        parallelism=_number(given, "parallelism", 1, SLOTS),
        job_name=given.get("jobName"),
        run_as_one=_truth(given, "runAsOne"),
    )


def _number(given: dict[str, str], name: str, least: int, most: int | None = None) -> int | None:
    if name not in given:
        return None
    if not given[name].isdecimal() or int(given[name]) < least:
        raise ParagraphError(f"{name}={given[name]} is not possible: write a whole number of at least {least}.")
    if most is not None and int(given[name]) > most:
        raise ParagraphError(f"{name}={given[name]} is not possible: write a whole number from {least} to {most}.")
    return int(given[name])


def _truth(given: dict[str, str], name: str) -> bool:
    value = given.get(name, "false").lower()
    if value not in ("true", "false"):
        raise ParagraphError(f"{name}={given[name]} is not possible: write {name}=true or {name}=false.")
    return value == "true"


TOKEN = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|`[^`]*(?:`|\Z)|\"[^\"]*(?:\"|\Z)|;", re.DOTALL)

STATEMENT_SET = re.compile(r"\s*(?:EXECUTE\s+STATEMENT\s+SET\s+BEGIN|BEGIN\s+STATEMENT\s+SET)\b", re.I)
OLD_STATEMENT_SET = re.compile(r"^BEGIN\s+STATEMENT\s+SET\s*;", re.I)  # only Flink's SQL client knows it


def split(sql: str, line: int = 1, column: int = 1) -> list[Statement]:
    """Split SQL at semicolons outside of quotes and comments; comments stay in the statements, for true positions.

    Args:
        sql: the text of a paragraph.
        line: the line of the text's first character in the cell, from 1.
        column: its column, from 1.
    """
    ends = [m.start() for m in TOKEN.finditer(sql) if m[0] == ";"] + [len(sql)]
    statements, start = [], 0
    for end in ends:
        text = sql[start:end]
        plain = _blank_comments(text)
        if STATEMENT_SET.match(plain) and not re.search(r"\bEND\s*$", plain, re.I):
            continue  # the inner semicolons of a statement set
        if plain.strip():
            skip = len(plain) - len(plain.lstrip())
            at = start + skip
            row = line + sql.count("\n", 0, at)
            last = sql.rfind("\n", 0, at)
            whole = OLD_STATEMENT_SET.sub("EXECUTE STATEMENT SET BEGIN", text[skip:].rstrip())
            statements.append(Statement(whole, row, at - last if last >= 0 else column + at))
        start = end + 1
    return statements


def _blank_comments(sql: str) -> str:
    """The text with comments replaced by spaces: every other character keeps its place."""

    def blank(match: re.Match) -> str:
        token = match[0]
        return re.sub(r"[^\n]", " ", token) if token.startswith(("--", "/*")) else token

    return TOKEN.sub(blank, sql)

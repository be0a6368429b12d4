"""Steps for personal data: masks, hashes without keys, random values, shuffled columns.

Source: "Personally identifiable information (PII) recipe steps" of the guide.
"""

import re
from typing import Any

from ..errors import StepRefused
from ..frame import Column, Frame
from ..parameters import CHOICE, FLAG, INTEGER, LIST, NAMES, NAMES_OR_NONE, NUMBER, REGEX, TEXT, Values, invalid
from ..registry import Changed, action, optional
from ..types import cast, literal, text
from .date_functions import moment_of
from .math_functions import bounds, random_between


def _symbol(name: str, value: str) -> str:
    if len(value) != 1:
        raise invalid(name, value, "it must be one character")
    return value


def _alphabet(name: str, value: str) -> list[str]:
    read = LIST(name, value)
    if not set(read) <= {"SYMBOLS", "WHITESPACE"}:
        raise invalid(name, value, "it may hold SYMBOLS and WHITESPACE")
    return read


_MASK: dict[str, Any] = {"sourceColumns": NAMES, "maskSymbol": _symbol}
_KEPT = {"SYMBOLS": r"\p{P}\p{S}", "WHITESPACE": r"\s"}


def _masked(value: str, symbol: str, alphabet: list[str]) -> str:
    """SQL: each character of a text becomes the symbol, but those that are kept."""
    kept = "".join(_KEPT[name] for name in alphabet)
    pattern = literal(f"(?s)[^{kept}]" if kept else "(?s).")
    return f"regexp_replace({value}, {pattern}, {literal(symbol if symbol != chr(92) else chr(92) * 2)}, 'g')"


def _each(frame: Frame, p: Values, template: str) -> Changed:
    """All source columns as text, changed in place."""
    columns = [frame.column(name) for name in p.sourceColumns]
    return Changed([(c.name, template.replace("{}", f"({text(c.key, c.type)})"), "string") for c in columns])


@action("MASK_RANGE", start=optional(INTEGER()), stop=optional(INTEGER()), alphabet=optional(_alphabet), **_MASK)
def mask_range(frame: Frame, p: Values) -> Changed:
    """Positions count from 0, from the end if they are negative; the stop is not masked."""

    def place(given: int | None, default: str) -> str:
        if given is None:
            return default
        return f"least(greatest({f'length({{}}) + {given}' if given < 0 else given}, 0), length({{}}))"

    start, stop = place(p.start, "0"), place(p.stop, "length({})")
    middle = _masked(f"substr({{}}, {start} + 1, greatest({stop} - {start}, 0))", p.maskSymbol, p.alphabet or [])
    return _each(frame, p, f"substr({{}}, 1, {start}) || {middle} || substr({{}}, greatest({stop}, {start}) + 1)")


def _delimited(p: Values) -> None:
    if p.startDelimiter is None and p.endDelimiter is None:
        raise StepRefused("MASK_DELIMITER needs startDelimiter or endDelimiter.")


@action(
    "MASK_DELIMITER",
    validate=_delimited,
    startDelimiter=optional(TEXT),
    endDelimiter=optional(TEXT),
    preserveDelimiters=optional(FLAG, False),
    alphabet=optional(_alphabet),
    **_MASK,
)
def mask_delimiter(frame: Frame, p: Values) -> Changed:
    """Between the first start delimiter and the next end delimiter. Delimiters that are preserved are not masked.

    (The guide says of preserveDelimiters "if true, applies mask to delimiters", against its name; the name is followed.)
    """
    begin = re.escape(p.startDelimiter) if p.startDelimiter else ""
    end = re.escape(p.endDelimiter) if p.endDelimiter else ""
    pattern = literal(f"(?s)^({'.*?' if begin else ''})({begin})(.*?)({end}){'(.*)$' if end else '()$'}")
    groups = [f"regexp_extract({{}}, {pattern}, {n})" for n in (1, 2, 3, 4, 5)]
    masked = [_masked(group, p.maskSymbol, p.alphabet or []) for group in groups]
    shown = groups if p.preserveDelimiters else masked
    whole = " || ".join([groups[0], shown[1], masked[2], shown[3], groups[4]])
    return _each(frame, p, f"CASE WHEN regexp_matches({{}}, {pattern}) THEN {whole} ELSE {{}} END")


def _custom(p: Values) -> None:
    if not p.customValue:
        raise StepRefused("customValue must have at least one character.")
    if p.regex:
        REGEX("customValue", p.customValue)


@action("MASK_CUSTOM", validate=_custom, customValue=TEXT, regex=optional(FLAG, False), **_MASK)
def mask_custom(frame: Frame, p: Values) -> Changed:
    """Every character of every occurrence becomes the symbol."""
    pattern = literal(f"({p.customValue})" if p.regex else f"({re.escape(p.customValue)})")
    marked = f"string_split(regexp_replace({{}}, {pattern}, '\ue000\\1\ue001', 'g'), '\ue000')"
    masked = _masked("string_split(x, '\ue001')[1]", p.maskSymbol, [])
    rest = f"list_transform({marked}[2:], lambda x: {masked} || string_split(x, '\ue001')[2])"
    return _each(frame, p, f"{marked}[1] || array_to_string({rest}, '')")


_DATE_PARTS = {
    "YEAR": "%Y",
    "MONTH": "%m",
    "DAY": "%d",
    "HOUR": "%H",
    "MINUTE": "%M",
    "SECOND": "%S",
    "MILLISECOND": "%g",
}


def _redacted(name: str, value: str) -> list[str]:
    read = LIST(name, value)
    if not read or not set(read) <= set(_DATE_PARTS):
        raise invalid(name, value, f"it must be a list of {', '.join(_DATE_PARTS)}")
    return read


@action("MASK_DATE", redact=_redacted, locale=optional(CHOICE("en", "en-US"), "en"), **_MASK)
def mask_date(frame: Frame, p: Values) -> Changed:
    """Digits of the date's parts become the symbol; a date without a time of day shows none. What is no date stays."""

    def part(name: str, width: int) -> str:
        return p.maskSymbol.replace("%", "%%") * width if name in p.redact else _DATE_PARTS[name]

    day = f"{part('YEAR', 4)}-{part('MONTH', 2)}-{part('DAY', 2)}"
    clock = f" {part('HOUR', 2)}:{part('MINUTE', 2)}:{part('SECOND', 2)}"
    exact = f".{part('MILLISECOND', 3)}"
    made = []
    for name in p.sourceColumns:
        column = frame.column(name)
        moment, value = moment_of(frame, Values(sourceColumn=name, value=None)), text(column.key, column.type)
        shown = (
            f"CASE WHEN {moment} IS NULL THEN {value} WHEN {value} NOT LIKE '%:%' THEN strftime({moment}, {literal(day)}) "
            f"WHEN millisecond({moment}) % 1000 = 0 THEN strftime({moment}, {literal(day + clock)}) "
            f"ELSE strftime({moment}, {literal(day + clock + exact)}) END"
        )
        made.append((column.name, shown, "string"))
    return Changed(made)


_HASHES = {"MD5": "md5({})", "SHA1": "sha1({})", "SHA256": "sha256({})"}


def _hash(name: str, value: str) -> str:
    if value.startswith("HMAC_") or value == "SHA512":
        why = "it needs a key of AWS Secrets Manager" if value.startswith("HMAC_") else "DuckDB has no SHA-512"
        raise StepRefused(f"The algorithm {value} is not supported by the local AWS: {why}. Use MD5, SHA1 or SHA256.")
    return CHOICE(*_HASHES)(name, value)


@action("CRYPTOGRAPHIC_HASH", sourceColumns=NAMES, algorithm=_hash)
def cryptographic_hash(frame: Frame, p: Values) -> Changed:
    """The hash in hexadecimal digits. (AWS's default algorithm is keyed, so that one must be named here.)"""
    return _each(frame, p, _HASHES[p.algorithm])


@action("REPLACE_WITH_RANDOM_BETWEEN", validate=bounds, sourceColumns=NAMES, lowerBound=NUMBER, upperBound=NUMBER)
def replace_with_random_between(frame: Frame, p: Values) -> Changed:
    sql, type_ = random_between(p.lowerBound, p.upperBound)
    return Changed([(frame.column(name).name, sql, type_) for name in p.sourceColumns], stored=True)


@action("REPLACE_WITH_RANDOM_DATE_BETWEEN", sourceColumns=NAMES, startDate=TEXT, endDate=TEXT)
def replace_with_random_date_between(frame: Frame, p: Values) -> Changed:
    """A moment of whole seconds between two."""
    seconds = []
    for name in ("startDate", "endDate"):
        found = frame.workspace.execute(f"SELECT epoch({cast(literal(p[name]), 'string', 'timestamp')})").fetchone()
        if not found or found[0] is None:
            raise StepRefused(f"Invalid value {p[name]!r} for parameter {name}: it is not a date.")
        seconds.append(int(found[0]))
    low, high = seconds
    if low > high:
        raise StepRefused("startDate must not be later than endDate.")
    sql = f"make_timestamp(CAST({low} + floor(random() * {high - low + 1}) AS BIGINT) * 1000000)"
    return Changed([(frame.column(name).name, sql, "timestamp") for name in p.sourceColumns], stored=True)


@action("SHUFFLE_ROWS", conditional=False, sourceColumns=NAMES, groupByColumns=optional(NAMES_OR_NONE))
def shuffle_rows(frame: Frame, p: Values) -> Frame:
    """The values of the source columns change places, those of one row together, within groups if there are any."""
    sources = [frame.column(name) for name in p.sourceColumns]
    groups = [frame.column(name) for name in p.groupByColumns or []]
    if any(group in sources for group in groups):
        raise StepRefused("A column can't be shuffled and group the rows.")
    part = f"PARTITION BY {', '.join(c.key for c in groups)} " if groups else ""
    frame = frame.stored()
    moved = {c.name: Column(c.name, c.type, frame.workspace.key()) for c in sources}
    same = " AND ".join([f"a.{c.key} IS NOT DISTINCT FROM b.{c.key}" for c in groups] + ["a.place = b.place"])
    picked = ", ".join(f"b.{c.key} AS {moved[c.name].key}" for c in sources)
    drawn = f"SELECT *, random() AS draw FROM {frame.source}"
    return frame.over(
        f"SELECT a.* EXCLUDE (place), {picked} FROM "
        f"(SELECT *, row_number() OVER ({part}ORDER BY row) AS place FROM {frame.source}) a JOIN "
        f"(SELECT *, row_number() OVER ({part}ORDER BY draw) AS place FROM ({drawn})) b ON {same}",
        [moved.get(c.name, c) for c in frame.columns],
    ).stored()

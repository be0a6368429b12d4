"""Java's format strings."""

import re
from decimal import ROUND_HALF_UP, Decimal

from infra.engines.athena.functions.refusing import bad_argument

_FORMAT = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")


def java_format(pattern: str, args: list[str | None]) -> str:
    """Java's String.format; each argument is a letter for its kind (d, f, s, b, t) and its text."""
    following = iter(range(len(args)))

    def put(match: re.Match) -> str:
        index, flags, width, precision, conversion = match.groups()
        if conversion in "%n":
            return "%" if conversion == "%" else "\n"
        at = int(index) - 1 if index else next(following, None)
        if at is None or at >= len(args):
            raise bad_argument(
                f"Invalid format string: {pattern} (MissingFormatArgument: Format specifier '{match[0]}')"
            )
        value = args[at]
        text = _java_value(value, flags, precision, conversion, pattern)
        if width:
            size = int(width)
            if "-" in flags:
                return text.ljust(size)
            if "0" in flags and conversion in "dfeExX":
                sign = text[:1] if text[:1] in "+-" else ""
                return sign + text[len(sign) :].rjust(size - len(sign), "0")
            return text.rjust(size)
        return text

    return _FORMAT.sub(put, pattern)


def _java_value(value: str | None, flags: str, precision: str | None, conversion: str, pattern: str) -> str:
    if value is None or value[1:] == "\0":
        return "false" if conversion == "b" else "null"
    kind, text = value[0], value[1:]
    mismatch = bad_argument(f"Invalid format string: {pattern} (IllegalFormatConversion: {conversion} != {kind})")
    if conversion in "sS":
        text = text[: int(precision)] if precision else text
        return text.upper() if conversion == "S" else text
    if conversion == "b":
        return text if kind == "b" else "true"
    if conversion == "d":
        if kind != "d":
            raise mismatch
        return _signed(f"{int(text):,}" if "," in flags else text, flags)
    if conversion in "xX":
        if kind != "d":
            raise mismatch
        number = int(text)
        shown = f"{number if number >= 0 else number + 2**64:x}"
        return shown.upper() if conversion == "X" else shown
    if conversion in "feE":
        if kind != "f":
            raise mismatch
        return _signed(_java_float(text, precision, conversion, flags), flags)
    if conversion == "c" and kind == "s":
        return text
    raise mismatch


def _java_float(text: str, precision: str | None, conversion: str, flags: str) -> str:
    places = int(precision) if precision is not None else 6
    number = Decimal(text)
    if not number.is_finite():
        return text
    if conversion == "f":
        rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return f"{rounded:,f}" if "," in flags else f"{rounded:f}"
    shown = f"{number:.{places}e}"
    head, _, exponent = shown.partition("e")
    shown = f"{head}e{exponent[0]}{exponent[1:].zfill(2)}"
    return shown.upper() if conversion == "E" else shown


def _signed(text: str, flags: str) -> str:
    if "(" in flags and text.startswith("-"):
        return f"({text[1:]})"
    if "+" in flags and not text.startswith("-"):
        return "+" + text
    if " " in flags and not text.startswith("-"):
        return " " + text
    return text

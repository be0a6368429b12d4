"""Text: codes, sounds, stems, sizes and how numbers are shown."""

import math
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

from infra.engines.athena.functions.refusing import bad_argument


def from_utf8(data: bytes, replacement: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace").replace("�", replacement)


def levenshtein_by_characters(a: str, b: str) -> int:
    """How many characters are to be put in, taken out or changed to make one text of another."""
    distances = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, distances[0] = distances[0], i
        for j, other in enumerate(b, 1):
            before, distances[j] = (
                distances[j],
                min(distances[j] + 1, distances[j - 1] + 1, before + (one != other)),
            )
    return distances[-1]


def luhn_check(digits: str) -> bool:
    if not digits:
        return False
    if not digits.isdigit():
        raise bad_argument("Input string contains non-digit characters")
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def unicode_normalized(text: str, form: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]  # the grammar lets only its four forms through


_SOUNDS = {c: d for d, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in letters}


def soundex(text: str) -> str:
    letters = [c for c in text.upper() if c.isalpha()]
    for c in letters:
        if not c.isascii():
            raise bad_argument(f"The character is not mapped: {c} (index={ord(c) - ord('A')})")
    if not letters:
        return ""
    code, last = letters[0], _SOUNDS.get(letters[0])
    for c in letters[1:]:
        sound = _SOUNDS.get(c)
        if sound and sound != last:
            code += str(sound)
        if c not in "HW":
            last = sound
    return code[:4].ljust(4, "0")


def format_number(value: float) -> str:
    """A number with a unit: 123456 → 123K."""
    if math.isnan(value) or math.isinf(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    for unit, size in (("Q", 1e15), ("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if abs(value) >= size:
            value, suffix = value / size, unit
            break
    else:
        suffix = ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    text = f"{rounded:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix


_SIZES = {u: 1024**i for i, u in enumerate(("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"))}


def parse_data_size(text: str) -> str:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]+)", text)
    if not match or match[2] not in _SIZES:
        raise bad_argument(f"Invalid data size: '{text}'")
    return str(int(Decimal(match[1]) * _SIZES[match[2]]))


def word_stem(word: str, language: str) -> str:
    """The stem of a word, in lower case or not as the word is."""
    name = _LANGUAGES.get(language.strip().lower())
    if name is None:
        raise bad_argument(f"Unknown stemmer language: {language}")
    import snowballstemmer

    return snowballstemmer.stemmer(name).stemWord(word)


_LANGUAGES = {
    "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
    "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "es": "spanish", "sv": "swedish", "tr": "turkish", "ga": "irish", "lt": "lithuanian", "hy": "armenian", "eu": "basque",
}  # fmt: skip

"""DataBrew's advanced data types: what text of one looks like, and the details that it holds.

Types whose check needs a list of places (country, region, state, city) are refused. Source: recipe-actions.REMOVE_INVALID and
recipe-actions.EXTRACT_ADVANCED_DATATYPE_DETAILS of the guide; the forms are our own, the guide shows none.
"""

from .conditions import missing
from .errors import StepRefused
from .frame import Column
from .types import cast, literal

_FORMS = {
    "SSN": r"\d{3}-?\d{2}-?\d{4}",
    "Email": r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}",
    "Phone Number": r"(\+?1[ .\-]?)?(\(\d{3}\)|\d{3})[ .\-]?\d{3}[ .\-]?\d{4}",
    "Gender": r"(?i)(m|f|male|female|man|woman)",
    "Credit Card": r"\d{4}[ \-]?\d{4}[ \-]?\d{4}[ \-]?\d{4}|3[47]\d{2}[ \-]?\d{6}[ \-]?\d{5}",
    "URL": r"(?i)(https?|ftp)://[^\s/?#]+([/?#]\S*)?",
    "IP Address": r"((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)",
    "Currency": r"[$€£¥] ?-?\d[\d,]*(\.\d+)?|-?\d[\d,]*(\.\d+)? ?[$€£¥]",
    "ZipCode": r"\d{5}(-\d{4})?",
}
_PLACES = ("Country", "Region", "State", "City")
_SAME = {"Phone": "Phone Number", "Zip Code": "ZipCode", "Date Time": "DateTime"}
ADVANCED = (*_FORMS, "DateTime", *_PLACES, *_SAME)
DETAILS = {
    "DateTime": ("DAY", "MONTH", "MONTH_NAME", "WEEK", "QUARTER", "YEAR"),
    "Credit Card": ("LENGTH", "NETWORK"),
    "URL": ("PROTOCOL", "TLD", "DOMAIN"),
}


def advanced_invalid(column: Column, name: str) -> str:
    """SQL: the value is there and is none of the advanced type.

    Raises
    ------
    StepRefused : the column is no text, or the type needs a list of places.
    """
    name = _SAME.get(name, name)
    if name in _PLACES:
        raise StepRefused(
            f"The advanced data type {name} is not supported by the local AWS: it needs a list of all places."
        )
    if column.type != "string":
        raise StepRefused(f"Column {column.name} is {column.type}; advanced data types are found in text.")
    if name == "DateTime":
        return f"(NOT {missing(column)} AND {cast(column.key, 'string', 'timestamp')} IS NULL)"
    return f"(NOT {missing(column)} AND NOT regexp_full_match(trim({column.key}), {literal(_FORMS[name])}))"


def detail(column: Column, name: str, pattern: str) -> str:
    """SQL of a detail of the values as text; NULL where a value is none of the type.

    Raises
    ------
    StepRefused : the type has no such detail, or needs a list of places or numbering plans.
    """
    name = _SAME.get(name, name)
    if name not in DETAILS:
        raise StepRefused(
            f"Details of the advanced data type {name} are not supported by the local AWS: they need lists of places."
        )
    if pattern not in DETAILS[name]:
        raise StepRefused(
            f"Invalid value {pattern!r} for parameter pattern: it must be one of {', '.join(DETAILS[name])}."
        )
    valid = f"NOT {missing(column)} AND NOT {advanced_invalid(column, name)}"
    return f"CASE WHEN {valid} THEN {_detail(column, pattern)} END"


def _detail(column: Column, pattern: str) -> str:
    moment = cast(column.key, "string", "timestamp")
    digits = rf"regexp_replace({column.key}, '\D', '', 'g')"
    host = rf"regexp_extract({column.key}, '^[^:]+://([^/?#:]+)', 1)"
    return {
        "DAY": f"CAST(day({moment}) AS VARCHAR)",
        "MONTH": f"CAST(month({moment}) AS VARCHAR)",
        "MONTH_NAME": f"monthname({moment})",
        "WEEK": f"CAST(week({moment}) AS VARCHAR)",
        "QUARTER": f"CAST(quarter({moment}) AS VARCHAR)",
        "YEAR": f"CAST(year({moment}) AS VARCHAR)",
        "LENGTH": f"CAST(length({digits}) AS VARCHAR)",
        "NETWORK": f"CASE WHEN regexp_matches({digits}, '^4') THEN 'Visa' WHEN regexp_matches({digits}, '^(5[1-5]|2[2-7])') "
        f"THEN 'Mastercard' WHEN regexp_matches({digits}, '^3[47]') THEN 'American Express' "
        f"WHEN regexp_matches({digits}, '^6(011|5)') THEN 'Discover' END",
        "PROTOCOL": rf"regexp_extract({column.key}, '^([^:]+):', 1)",
        "TLD": rf"regexp_extract({host}, '\.([^.]+)$', 1)",
        "DOMAIN": host,
    }[pattern]

"""Which records a mapping's filters let through.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.lambda_.errors import LambdaError, invalid
from infra.local.lambda_.records import Json

MOST = 10


def check(criteria: Json) -> None:
    """Raise LambdaError for filters that AWS does not take."""
    filters = criteria.get("Filters", [])
    if len(filters) > MOST:
        raise invalid(f"The number of filters exceeds the maximum of {MOST}.")
    for each in filters:
        _parsed(each.get("Pattern", ""))


def _parsed(text: str) -> Json:
    from moto.events.exceptions import InvalidEventPatternException
    from moto.events.models import EventPatternParser

    bad = LambdaError("InvalidParameterValueException", "Invalid filter pattern definition.")
    try:
        pattern = json.loads(text)
        if not isinstance(pattern, dict) or not pattern:
            raise bad
        EventPatternParser(text).parse()
    except (ValueError, AttributeError, InvalidEventPatternException):
        raise bad from None
    return pattern


class Filters:
    """The filters of a mapping; none let everything through."""

    def __init__(self, criteria: Json):
        from moto.events.models import EventPattern

        texts = [each["Pattern"] for each in criteria.get("Filters", [])]
        self._patterns = [EventPattern(text, _parsed(text)) for text in texts]

    def let_through(self, record: Json) -> bool:
        """Return whether any filter matches a record, in which data or body are what they are as JSON."""
        return not self._patterns or any(pattern.matches_event(record) for pattern in self._patterns)  # type: ignore[arg-type]


def as_json(text: str) -> Any:
    """Return a body as JSON, or as the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text

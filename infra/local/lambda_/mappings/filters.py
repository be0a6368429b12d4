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
    from infra.local import events

    try:
        return events.parse_pattern(text)
    except events.InvalidPattern:
        raise LambdaError("InvalidParameterValueException", "Invalid filter pattern definition.") from None


class Filters:
    """The filters of a mapping; none let everything through. They are event patterns, matched as EventBridge does it."""

    def __init__(self, criteria: Json):
        self._patterns = [_parsed(each["Pattern"]) for each in criteria.get("Filters", [])]

    def let_through(self, record: Json) -> bool:
        """Return whether any filter matches a record, in which data or body are what they are as JSON."""
        from infra.local import events

        return not self._patterns or any(events.pattern_matches(pattern, record) for pattern in self._patterns)


def as_json(text: str) -> Any:
    """Return a body as JSON, or as the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text

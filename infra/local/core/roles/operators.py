"""The condition operators: each compares one value of the request with one value of the policy.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from infra.local.core.roles.matching import arn_matches, glob_matches, unescaped

Comparison = Callable[[str, str], bool]  # (value of the request, value of the policy)


class Operator(NamedTuple):
    """An operator without its prefix and suffix."""

    compares: Comparison
    negated: bool = False
    takes_variables: bool = False


class Spelled(NamedTuple):
    """An operator as a policy spells it: `ForAllValues:StringLikeIfExists` has all three parts."""

    name: str
    quantifier: str  # "", "forallvalues" or "foranyvalue"
    if_exists: bool


def _strings(compare: Comparison) -> Comparison:
    return lambda given, wanted: compare(given, unescaped(wanted))


def _parsed(parse: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Comparison:
    def compares(given: str, wanted: str) -> bool:
        one, other = parse(given), parse(unescaped(wanted))
        return one is not None and other is not None and compare(one, other)

    return compares


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


@lru_cache(maxsize=1024)
def _moment(text: str) -> datetime | None:
    """Read a date in ISO 8601, or seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _in_network(given: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(unescaped(wanted), strict=False)
    except ValueError:
        return False


def _equal_ignoring_case(given: str, wanted: str) -> bool:
    return given.casefold() == wanted.casefold()


def _like(given: str, wanted: str) -> bool:
    return glob_matches(wanted, given)


def _arn_like(given: str, wanted: str) -> bool:
    return arn_matches(wanted, given)


OPERATORS = {
    "stringequals": Operator(_strings(operator.eq), takes_variables=True),
    "stringnotequals": Operator(_strings(operator.eq), negated=True, takes_variables=True),
    "stringequalsignorecase": Operator(_strings(_equal_ignoring_case), takes_variables=True),
    "stringnotequalsignorecase": Operator(_strings(_equal_ignoring_case), negated=True, takes_variables=True),
    "stringlike": Operator(_like, takes_variables=True),
    "stringnotlike": Operator(_like, negated=True, takes_variables=True),
    "numericequals": Operator(_parsed(_number, operator.eq)),
    "numericnotequals": Operator(_parsed(_number, operator.eq), negated=True),
    "numericlessthan": Operator(_parsed(_number, operator.lt)),
    "numericlessthanequals": Operator(_parsed(_number, operator.le)),
    "numericgreaterthan": Operator(_parsed(_number, operator.gt)),
    "numericgreaterthanequals": Operator(_parsed(_number, operator.ge)),
    "dateequals": Operator(_parsed(_moment, operator.eq)),
    "datenotequals": Operator(_parsed(_moment, operator.eq), negated=True),
    "datelessthan": Operator(_parsed(_moment, operator.lt)),
    "datelessthanequals": Operator(_parsed(_moment, operator.le)),
    "dategreaterthan": Operator(_parsed(_moment, operator.gt)),
    "dategreaterthanequals": Operator(_parsed(_moment, operator.ge)),
    "bool": Operator(_strings(_equal_ignoring_case)),
    "binaryequals": Operator(_parsed(_bytes, operator.eq)),
    "ipaddress": Operator(_in_network),
    "notipaddress": Operator(_in_network, negated=True),
    "arnequals": Operator(_arn_like, takes_variables=True),
    "arnlike": Operator(_arn_like, takes_variables=True),
    "arnnotequals": Operator(_arn_like, negated=True, takes_variables=True),
    "arnnotlike": Operator(_arn_like, negated=True, takes_variables=True),
}
_QUANTIFIERS = ("forallvalues", "foranyvalue")


@lru_cache(maxsize=512)
def spelled(text: str) -> Spelled:
    """Take an operator's name apart; case does not count.

    Parameters
    ----------
    text: as `ForAllValues:StringLikeIfExists`
    """
    prefix, colon, name = text.lower().rpartition(":")
    if_exists = name.endswith("ifexists")
    return Spelled(name.removesuffix("ifexists"), prefix if colon else "", if_exists)


def is_operator(text: str) -> bool:
    """Whether a policy may use this operator; Null takes no IfExists.

    Parameters
    ----------
    text: as `ForAllValues:StringLikeIfExists`
    """
    name, quantifier, if_exists = spelled(text)
    if name == "null":
        return not if_exists and quantifier in ("", *_QUANTIFIERS)
    return name in OPERATORS and quantifier in ("", *_QUANTIFIERS)

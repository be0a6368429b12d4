"""Whether a statement's conditions hold for a request.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

from infra.local.core.roles.matching import Context, replace_variables
from infra.local.core.roles.operators import OPERATORS, Operator, spelled
from infra.local.core.roles.policy import Condition


def holds(condition: Condition, context: Context, has_variables: bool) -> bool:
    """Whether one condition holds.

    Parameters
    ----------
    context: the request's keys, in small letters
    has_variables: whether the policy's version knows variables
    """
    name, quantifier, if_exists = spelled(condition.operator)
    given = context.get(condition.key.lower(), ())
    if name == "null":
        absent = "true" if not given else "false"
        return any(value.lower() == absent for value in condition.values)
    operator = OPERATORS[name]
    if not given:
        if quantifier == "foranyvalue":
            return if_exists
        return if_exists or quantifier == "forallvalues" or operator.negated
    wanted = _wanted(condition.values, operator, context, has_variables)
    if quantifier == "forallvalues":
        return all(_meets(value, wanted, operator) for value in given)
    if quantifier == "foranyvalue" or not operator.negated:
        return any(_meets(value, wanted, operator) for value in given)
    return all(_meets(value, wanted, operator) for value in given)


def _wanted(values: tuple[str, ...], operator: Operator, context: Context, has_variables: bool) -> list[str]:
    if not (has_variables and operator.takes_variables):
        return list(values)
    replaced = (replace_variables(value, context) for value in values)
    return [value for value in replaced if value is not None]


def _meets(given: str, wanted: list[str], operator: Operator) -> bool:
    """Whether one value of the request is among the policy's values, or for a negated operator is none of them."""
    return any(operator.compares(given, value) for value in wanted) != operator.negated

"""Recipes: steps are checked, and applied to a frame one after the other."""

from collections.abc import Sequence

from . import conditions as _conditions
from . import parameters as _parameters
from . import steps as _steps  # noqa: F401  (declares the actions)
from .errors import StepRefused
from .frame import Frame
from .refused import REFUSED
from .registry import ACTIONS, GUIDE, Action, Changed, Deleted, Read
from .types import cast, common

MOST_STEPS = 100


def no_other_dataset(name: str, location: str | None) -> Frame:
    """What a step finds that asks for another dataset where there is none."""
    raise StepRefused(f"Dataset {name} is not available here.")


def check(step: dict) -> None:
    """Whether a step is one that can be applied to some frame: its action, its parameters' form, its conditions.

    Parameters
    ----------
    step : {"Action": {"Operation", "Parameters"}, "ConditionExpressions": […]} as in the API.

    Raises
    ------
    StepRefused : it is not; code ValidationException.
    """
    found = _action(step)
    values = _parameters.read(found.name, found.parameters, step["Action"].get("Parameters") or {})
    if found.validate:
        found.validate(values)
    expressions = step.get("ConditionExpressions") or []
    if expressions and not found.conditional:
        raise StepRefused(f"Operation {found.name} doesn't take condition expressions.")
    if found.conditions_needed and not expressions:
        raise StepRefused(f"Operation {found.name} needs condition expressions.")
    _conditions.check(expressions)


def check_recipe(steps: Sequence[dict]) -> None:
    """Whether all steps of a recipe are.

    Raises
    ------
    StepRefused : one is not, or there are more than 100 (ServiceQuotaExceededException).
    """
    if len(steps) > MOST_STEPS:
        raise StepRefused(
            f"A recipe can have at most {MOST_STEPS} steps, this one has {len(steps)}.", "ServiceQuotaExceededException"
        )
    for step in steps:
        check(step)


def apply(frame: Frame, step: dict, read: Read = no_other_dataset) -> Frame:
    """The frame after one step.

    Parameters
    ----------
    step : as in the API.
    read : gives the frame of another dataset (JOIN, UNION): called with the dataset's name and the S3 URL of the step, if it has one.

    Raises
    ------
    StepRefused : the step is wrong, or does not fit this frame.
    """
    check(step)
    found = _action(step)
    values = _parameters.read(found.name, found.parameters, step["Action"].get("Parameters") or {})
    if found.stored:
        frame = frame.stored()
    made = found.run(frame, values, read) if found.secondary else found.run(frame, values)
    expressions = step.get("ConditionExpressions") or []
    met = _conditions.predicate(frame, expressions) if expressions else None
    if isinstance(made, Deleted):
        gone = f"coalesce({made.predicate}, FALSE)" + (f" AND {met}" if met else "")
        return frame.where(f"NOT ({gone})")
    if isinstance(made, Changed):
        return _changed(frame, made, met)
    return made


def run(steps: Sequence[dict], frame: Frame, read: Read = no_other_dataset) -> Frame:
    """The frame after all steps of a recipe.

    Raises
    ------
    StepRefused : a step can't be done; its message starts with the step's number.
    """
    check_recipe(steps)
    for number, step in enumerate(steps, 1):
        try:
            frame = apply(frame, step, read)
        except StepRefused as refused:
            raise StepRefused(
                f"Step {number} ({step['Action']['Operation']}): {refused.message}", refused.code
            ) from refused
    return frame


def _action(step: dict) -> Action:
    operation = (step.get("Action") or {}).get("Operation", "")
    if operation in ACTIONS:
        return ACTIONS[operation]
    if operation in REFUSED:
        page, why = REFUSED[operation]
        raise StepRefused(f"Operation {operation} is not supported by the local AWS: {why}. See {GUIDE}{page}.html")
    raise StepRefused(f"Unknown operation {operation}.")


def _changed(frame: Frame, made: Changed, met: str | None) -> Frame:
    old = {column.name: column for column in frame.columns}
    columns = []
    for name, expression, type_ in made.columns:
        if met and name in old:
            kept = old[name]
            fitting = common({kept.type, type_})
            expression = (
                f"CASE WHEN {met} THEN {cast(expression, type_, fitting)} ELSE {cast(kept.key, kept.type, fitting)} END"
            )
            type_ = fitting
        elif met:
            expression = f"CASE WHEN {met} THEN {expression} END"
        columns.append((name, expression, type_))
    after = frame.with_columns(columns)
    return after.stored() if made.stored else after

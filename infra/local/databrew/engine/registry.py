"""Which recipe actions there are, and how one is written.

An action is a function with its parameters declared by `@action`. What it returns says what kind it is:

- `Changed`: expressions for columns, changed in place or added. Rows that do not satisfy the step's conditions keep their value,
  or get NULL in a new column.
- `Deleted`: a predicate for rows that go; with conditions only among the rows that satisfy them.
- a `Frame`: anything else. It takes no conditions.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .frame import Frame
from .parameters import Parameter, Parse, Values

Read = Callable[[str, str | None], Frame]
GUIDE = "https://docs.aws.amazon.com/databrew/latest/dg/"


@dataclass(frozen=True)
class Changed:
    """Columns that a step makes: (name, SQL over keys, DataBrew's type). A name that exists is changed in place."""

    columns: list[tuple[str, str, str]]
    stored: bool = False  # what is random must not be evaluated twice


@dataclass(frozen=True)
class Deleted:
    """Rows that a step deletes: SQL that is TRUE for them."""

    predicate: str


@dataclass(frozen=True)
class Action:
    """A recipe action.

    Parameters
    ----------
    conditional : whether the step may have condition expressions.
    conditions_needed : whether it must have some.
    stored : whether it reads the data to know what to do: the frame is stored before it runs.
    secondary : whether it reads other datasets (`read` is the third argument of `run`).
    """

    name: str
    parameters: dict[str, Parameter]
    run: Callable[..., Frame | Changed | Deleted]
    validate: Callable[[Values], None] | None = None
    conditional: bool = True
    conditions_needed: bool = False
    stored: bool = False
    secondary: bool = False


ACTIONS: dict[str, Action] = {}


def action(
    name: str,
    *,
    conditional: bool = True,
    conditions_needed: bool = False,
    stored: bool = False,
    secondary: bool = False,
    validate: Callable[[Values], None] | None = None,
    **parameters: Parse | Parameter,
) -> Callable:
    """Declare the function below as a recipe action.

    Parameters
    ----------
    name : the Operation.
    validate : a check that needs more than one parameter.
    parameters : how each is read; required unless it is a `Parameter` with a default.
    """
    declared = {key: value if isinstance(value, Parameter) else Parameter(value) for key, value in parameters.items()}

    def declare(run: Callable[..., Frame | Changed | Deleted]) -> Callable:
        assert name not in ACTIONS, name
        ACTIONS[name] = Action(name, declared, run, validate, conditional, conditions_needed, stored, secondary)
        return run

    return declare


def optional(parse: Parse, default: object = None) -> Parameter:
    """A parameter that may be left out."""
    return Parameter(parse, default)

"""What the tests of DataBrew's engine share: frames from Python rows, and steps in the API's form."""

import json

from infra.local.databrew.engine import Frame, Workspace, apply
from infra.local.databrew.engine.types import quoted


def frame(workspace: Workspace, rows: list[tuple], **types: str) -> Frame:
    """A frame of rows; types: column name → DuckDB type."""
    picked = ", ".join(f"CAST(column{i} AS {type_}) AS {quoted(name)}" for i, (name, type_) in enumerate(types.items()))
    if not rows:
        return Frame.of(
            workspace, "SELECT " + ", ".join(f"CAST(NULL AS {t}) AS {quoted(n)}" for n, t in types.items()) + " LIMIT 0"
        )
    values = ", ".join("(" + ", ".join(_sql(value) for value in row) + ")" for row in rows)
    names = ", ".join(f"column{i}" for i in range(len(types)))
    return Frame.of(workspace, f"SELECT {picked} FROM (VALUES {values}) AS v({names})")


def _sql(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def step(operation: str, conditions: list[dict] | None = None, **parameters: object) -> dict:
    """A recipe step; parameters that are no text become JSON."""
    given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    made: dict = {"Action": {"Operation": operation, "Parameters": given}}
    if conditions:
        made["ConditionExpressions"] = conditions
    return made


def when(condition: str, column: str, value: str | None = None) -> dict:
    """A condition expression."""
    made = {"Condition": condition, "TargetColumn": column}
    return made if value is None else {**made, "Value": value}


def one(
    workspace: Workspace,
    values: list,
    operation: str,
    type_: str = "VARCHAR",
    result: str | None = None,
    **parameters: object,
) -> list:
    """The values of one column after a step on column `a`, or of the column `result`."""
    made = apply(frame(workspace, [(value,) for value in values], a=type_), step(operation, **parameters))
    at = [column.name for column in made.columns].index(result or "a")
    return [row[at] for row in made.rows()]

"""Check that the chapter before was run, and explain what a learner can mend: a missing name, a lost server."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError
from IPython import get_ipython


class RunFirst(RuntimeError):
    """Something has to be run before this cell. Shown as its one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def need_stack(name: str, notebook: str) -> dict[str, str]:
    """Return the outputs of a CloudFormation stack that an earlier notebook made.

    Parameters
    ----------
    name: the stack
    notebook: the notebook that deploys it, told when it is missing

    Raises RunFirst.
    """
    try:
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise RunFirst(
            f"The stack {name} is not there yet. Run {notebook} first, then come back to this cell."
        ) from None
    if not stack["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in stack["StackStatus"]:
        raise RunFirst(f"The stack {name} is in the state {stack['StackStatus']}. Run {notebook} again to repair it.")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def need_table(database: str, name: str, notebook: str) -> None:
    """Check that an earlier notebook has put a table into the Data Catalog.

    Parameters
    ----------
    database, name: the table
    notebook: the notebook that makes it, told when it is missing

    Raises RunFirst.
    """
    glue = boto3.client("glue")
    try:
        glue.get_table(DatabaseName=database, Name=name)
    except glue.exceptions.EntityNotFoundException:
        raise RunFirst(
            f"The table {name} is not there yet. Run {notebook} to its end first, then come back to this cell."
        ) from None


def explain_missing_names() -> None:
    """Make a NameError in this notebook say which cell to run first, and a lost connection how to get it back."""
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, EndpointConnectionError), _explain)


def _explain(shell: Any, kind: type, error: Exception, trace: Any, tb_offset: int | None = None) -> list[str]:
    if isinstance(error, EndpointConnectionError):
        message = f"{error} The local AWS may have been stopped: run the cell with connect() again, it starts it; nothing stored is lost."
    else:
        where = _assigned_in(getattr(error, "name", None) or "")
        place = f"in the cell that begins with “{where}”" if where else "in a cell further up"
        message = f"NameError: {error}. It is set {place}: run the cells above first (menu Run → Run All Above Selected Cell)."
    shell._showtraceback(kind, error, [message])
    return [message]


def _assigned_in(name: str) -> str | None:
    """Return the first line of the cell that assigns a name; None when the notebook's file is not known (outside JupyterLab)."""
    path = Path(os.environ.get("JPY_SESSION_NAME", ""))
    if not name or not path.is_file():
        return None
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and name in _names(source):
            return source.strip().splitlines()[0]
    return None


def _names(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell with magics assigns nothing that we look for
        return set()
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    return stored | imported

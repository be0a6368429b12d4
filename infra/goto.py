"""Bring an account to where a chapter begins, by running the chapters that it builds on: `workshop goto 06`.

What a chapter needs stands in its own table "Needs": every row that says "yes" and links to a chapter. Whether that chapter was run is seen by
what it leaves on the lake; a chapter of which nothing is known here is run, for a second run does no harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import project
from infra import run as runner

NEED = re.compile(r"^\|.*\]\((\d\d)_[^)]*\.ipynb\).*\|\s*yes\s*\|\s*$", re.MULTILINE)
INGEST = "analytics-workshop-01-ingest"
DATABASE = "analyticsworkshopdb"


def needed(chapter: str) -> list[Path]:
    """Return the notebooks that must be run before a chapter, in order, with those that they need themselves.

    Raises ValueError for a chapter that does not exist.
    """
    found: set[Path] = set()
    todo = runner.find([chapter])
    while todo:
        book = json.loads(todo.pop().read_text())
        text = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
        new = set(runner.find(NEED.findall(text))) - found if NEED.search(text) else set()
        found |= new
        todo += new
    return sorted(found)


def is_done(notebook: Path, client: Callable[[str], Any]) -> bool:
    """Tell whether a chapter has left on the lake what later ones need."""
    known = _LEFT.get(notebook.stem[:2])
    return known is not None and known(client)


def _has_events(client: Callable[[str], Any]) -> bool:
    try:
        stack = client("cloudformation").describe_stacks(StackName=INGEST)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "BucketName" not in outputs:
        return False
    s3 = client("s3")
    prefixes = ("data/raw/", "data/reference_data/")
    return all(s3.list_objects_v2(Bucket=outputs["BucketName"], Prefix=prefix)["KeyCount"] for prefix in prefixes)


def _has_tables(*names: str) -> Callable[[Callable[[str], Any]], bool]:
    def look(client: Callable[[str], Any]) -> bool:
        glue = client("glue")
        try:
            pages = glue.get_paginator("get_tables").paginate(DatabaseName=DATABASE)
            return {*names} <= {table["Name"] for page in pages for table in page["TableList"]}
        except glue.exceptions.EntityNotFoundException:
            return False

    return look


_LEFT = {
    "01": _has_events,
    "02": _has_tables("raw", "reference_data"),
    "03": _has_tables("processed_data"),
}


def go(chapter: str, client: Callable[[str], Any], tell: Callable[[str], None] = print) -> bool:
    """Run what is missing before a chapter; return whether the account is there.

    Parameters
    ----------
    client: makes a boto3 client in the account
    tell: called with a line for each chapter that is there already, and at the end
    """
    wanted = runner.find([chapter])[0]
    missing = False
    for notebook in needed(chapter):
        missing = missing or not is_done(
            notebook, client
        )  # one that was run again may leave something else to build on
        if not missing:
            tell(f"{notebook.stem:<28} there already")
            continue
        result = runner.run([notebook], project.home() / "goto")[0]
        if result.reason:
            return False
    tell(f"Your lake is where {wanted.stem} begins: open notebooks/{wanted.name}.")
    return True

"""What the notebooks import: which cloud, stacks, the generator, waiting, showing, checking. Never a wrapper around the API that is taught."""

from helpers.checking import explain_missing_names, need_stack, need_table
from helpers.connect import connect
from helpers.money import left_running
from helpers.showing import STYLE, redraw, show
from helpers.waiting import wait_for
from infra.teaching.answers import check, hint, solution

__all__ = [
    "STYLE", "check", "connect", "explain_missing_names", "hint", "left_running", "need_stack", "need_table", "redraw", "show", "solution", "wait_for",
]  # fmt: skip

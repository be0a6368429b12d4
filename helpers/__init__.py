"""What the notebooks import: which cloud, stacks, the generator, waiting, showing, checking. Never a wrapper around the API that is taught."""

from helpers.checking import check, explain_missing_names, need_stack, need_table
from helpers.connect import connect
from helpers.showing import STYLE, show
from helpers.waiting import wait_for

__all__ = ["STYLE", "check", "connect", "explain_missing_names", "need_stack", "need_table", "show", "wait_for"]

"""Run one statement of a session as a REPL does: its output, the value of its last line, its figures, or its error."""

import ast
import base64
import builtins
import contextlib
import io
import linecache
import os
import re
import sys
import sysconfig
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.engines.spark.options import PYTHON_FOLDER

OWN_FOLDER = Path(__file__).parent
OUTPUT_LIMIT = 1 << 20  # characters kept of each of stdout, stderr, the last line's value and the error's message
CUT_OFF = "\n... more output was cut off\n"
MATPLOT = re.compile(r"^%matplot\s+(\w+)[ \t]*$", re.MULTILINE)  # Glue's (and Livy's) magic: show this module's figure


class Output(io.TextIOBase):
    """Keeps what is written, up to OUTPUT_LIMIT: an endless loop that prints must not fill the memory."""

    encoding = "utf-8"

    def __init__(self):
        self._parts, self._size = [], 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._size < OUTPUT_LIMIT:
            self._parts.append(text[: OUTPUT_LIMIT - self._size])
            if self._size + len(text) > OUTPUT_LIMIT:
                self._parts.append(CUT_OFF)
        self._size += len(text)
        return len(text)

    def take(self) -> str:
        """Return what was written since the last call."""
        text = "".join(self._parts)
        self._parts, self._size = [], 0
        return _sendable(text)


# one pair for all statements: the handlers of Python's logging keep the stream that they have found
STDOUT, STDERR = Output(), Output()


def run(code: str, namespace: dict, interruptible: Callable[[bool], None]) -> dict:
    """Run `code` in `namespace`.

    Args:
        interruptible: called with True before and False after the user's code, which KeyboardInterrupt may end.

    Returns:
        `{"status": "ok" | "error", "stdout", "stderr", "text" (repr of the last expression, "" for None),
        "images": [base64 PNG, …]}`, for an error also `"ename"`, `"evalue"` and `"traceback": [line, …]`.
    """
    name = f"<stdin-{len(linecache.cache)}>"
    matplot = MATPLOT.search(code)
    code = MATPLOT.sub("", code)
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # tracebacks quote the line
    result = {"status": "ok", "text": "", "images": []}
    with contextlib.redirect_stdout(STDOUT), contextlib.redirect_stderr(STDERR):
        try:
            try:
                interruptible(True)
                value = _execute(code, name, namespace)
                if value is not None:
                    vars(builtins)["_"] = value
                    result["text"] = _bounded(repr(value))
                result["images"] = _figures(namespace, matplot.group(1) if matplot else None)
            finally:
                interruptible(False)
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a statement, not the session
            interruptible(False)  # again: an interrupt may have come in the finally above
            result |= {"status": "error", **describe(error, name)}
    return result | {"stdout": STDOUT.take(), "stderr": _hide_paths(STDERR.take(), name)}


def _bounded(text: str) -> str:
    return _sendable(text if len(text) <= OUTPUT_LIMIT else text[:OUTPUT_LIMIT] + CUT_OFF)


def _sendable(text: str) -> str:
    """The text with half characters, which UTF-8 does not have, as their escapes."""
    return text.encode(errors="backslashreplace").decode()


def interrupt_at_next_line(frame: types.FrameType | None) -> None:
    """Interrupt the user's code that is in `frame` once more at its next line: `except: pass` in a loop catches every single one."""

    def again(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "line":
            raise KeyboardInterrupt  # Python then drops all tracing

    while frame is not None:
        if frame.f_code.co_filename.startswith("<stdin-"):
            frame.f_trace = again
        frame = frame.f_back
    sys.settrace(lambda frame, event, argument: None)


def _execute(code: str, name: str, namespace: dict):
    """Run all of it; return the value of the last line if that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, name, "exec"), namespace)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    return None


def _figures(namespace: dict, asked: str | None) -> list[str]:
    """PNGs of matplotlib's open figures, which are then closed, as an inline backend does."""
    pyplot: Any = namespace.get(asked) if asked else sys.modules.get("matplotlib.pyplot")
    if asked and not hasattr(pyplot, "get_fignums"):
        raise NameError(
            f"%matplot {asked}: {asked} is not matplotlib.pyplot; import matplotlib.pyplot as {asked} first"
        )
    images = []
    for number in pyplot.get_fignums() if pyplot else []:
        png = io.BytesIO()
        pyplot.figure(number).savefig(png, format="png", bbox_inches="tight")
        images.append(base64.b64encode(png.getvalue()).decode())
        pyplot.close(number)
    return images


def describe(error: BaseException, file_name: str) -> dict:
    """Name, message and traceback of an error; the traceback starts in the user's file and hides our folders."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != file_name:
        frames = frames.tb_next
    described = traceback.TracebackException(type(error), error, frames)
    _drop_own_frames(described)
    lines = [_bounded(_hide_paths(line, file_name)) for line in described.format()]
    value = _bounded(_hide_paths(_message(error), file_name))
    return {"ename": type(error).__name__, "evalue": value, "traceback": lines}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as other:  # the user's class may have a faulty __str__
        return f"<{type(other).__name__} in the error's own __str__>"


def _drop_own_frames(described: traceback.TracebackException | None) -> None:
    """Leave out the frames of this package (not those of awsglue), in the error and in those it came from."""
    if described is None:
        return
    own = [frame for frame in described.stack if Path(frame.filename).parent == OWN_FOLDER]
    described.stack = traceback.StackSummary.from_list([frame for frame in described.stack if frame not in own])
    _drop_own_frames(described.__cause__)
    _drop_own_frames(described.__context__)


def _hide_paths(text: str, file_name: str) -> str:
    text = re.sub(r"<stdin-\d+>", "<stdin>", text).replace(file_name, Path(file_name).name)
    for folder in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), str(PYTHON_FOLDER)):
        text = text.replace(folder + os.sep, "")
    return text

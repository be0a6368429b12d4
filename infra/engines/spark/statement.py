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
from collections.abc import Callable
from pathlib import Path

from infra.engines.spark.options import PYTHON_FOLDER

OWN_FOLDER = Path(__file__).parent
OUTPUT_LIMIT = 1 << 20  # characters kept of each of stdout and stderr
MATPLOT = re.compile(r"^%matplot\s+(\w+)[ \t]*$", re.MULTILINE)  # Glue's (and Livy's) magic: show this module's figure


class Output(io.TextIOBase):
    """Keeps what is written, up to OUTPUT_LIMIT: an endless loop that prints must not fill the memory."""

    def __init__(self):
        self._parts, self._size = [], 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._size < OUTPUT_LIMIT:
            self._parts.append(text[: OUTPUT_LIMIT - self._size])
            if self._size + len(text) > OUTPUT_LIMIT:
                self._parts.append("\n... more output was cut off\n")
        self._size += len(text)
        return len(text)

    def text(self) -> str:
        return "".join(self._parts)


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
    stdout, stderr = Output(), Output()
    result = {"status": "ok", "text": "", "images": []}
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            try:
                interruptible(True)
                value = _execute(code, name, namespace)
                if value is not None:
                    builtins._ = value
                    result["text"] = repr(value)
                result["images"] = _figures(namespace, matplot.group(1) if matplot else None)
            finally:
                interruptible(False)
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a statement, not the session
            interruptible(False)  # again: an interrupt may have come in the finally above
            result |= {"status": "error", **describe(error, name)}
    return result | {"stdout": stdout.text(), "stderr": stderr.text()}


def _execute(code: str, name: str, namespace: dict):
    """Run all of it; return the value of the last line if that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if last is not None:
        return eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    return None


def _figures(namespace: dict, asked: str | None) -> list[str]:
    """PNGs of matplotlib's open figures, which are then closed, as an inline backend does."""
    pyplot = namespace.get(asked) if asked else sys.modules.get("matplotlib.pyplot")
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
    lines = [_hide_paths(line, file_name) for line in described.format()]
    return {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}


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

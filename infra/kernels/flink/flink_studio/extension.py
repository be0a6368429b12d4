"""The IPython extension: cells that start with `%flink` are paragraphs."""

import ast
import atexit

from . import kernel
from .paragraph import HEADER, ParagraphError, is_paragraph, parse
from .studio import Studio


def load_ipython_extension(shell) -> None:
    """Called by IPython when the kernel starts."""
    assert kernel.jvm is not None, "the kernel starts it first of all"
    studio = Studio(shell, kernel.jvm)
    atexit.register(studio.stop)
    shell.input_transformers_cleanup.insert(0, to_python)
    shell.events.register("pre_run_cell", studio.before_cell)
    shell.push({"z": studio.z}, interactive=False)
    shell.flink_studio = studio
    answer_widgets(shell.kernel, studio)


def answer_widgets(kernel, studio: Studio) -> None:
    """Tell the front end that a widget's message was dealt with while a paragraph runs.

    ipykernel does not for messages that it handles beside a running cell, and a widget sends its next change only after that.
    """
    handle = kernel.shell_handlers["comm_msg"]

    def handle_and_tell(stream, ident, message):
        handle(stream, ident, message)
        if studio.watching:
            kernel._publish_status("idle", "shell", parent=message)
            kernel._publish_status("busy", "shell", parent=message)

    kernel.shell_handlers["comm_msg"] = handle_and_tell


def to_python(lines: list[str]) -> list[str]:
    """IPython's input transformer: a paragraph of SQL becomes a call, one of Python loses its first line."""
    cell = "".join(lines)
    if not is_paragraph(cell):
        return await_shows(cell).splitlines(keepends=True)
    try:
        paragraph = parse(cell)
    except ParagraphError:
        paragraph = None  # told when the cell runs
    if paragraph is not None and paragraph.interpreter == "pyflink":
        start = len(cell) - len(cell.lstrip())
        header = HEADER.match(cell, start)
        assert header is not None, "it was parsed"
        return await_shows(cell[:start] + cell[header.end() :].lstrip(" \t")).splitlines(keepends=True)
    return [f"await get_ipython().flink_studio.run({cell!r})\n"]


def await_shows(cell: str) -> str:
    """Turn the lines `z.show(…)` outside of functions into `await z.show_live(…)`."""
    if "z.show(" not in cell:
        return cell
    try:
        tree = ast.parse(cell)
    except SyntaxError:  # magics and mistakes: IPython deals with them
        return cell
    lines = cell.splitlines(keepends=True)
    for node in sorted(_shows(tree), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1].encode()
        at = node.col_offset
        lines[node.lineno - 1] = (line[:at] + line[at:].replace(b"z.show(", b"await z.show_live(", 1)).decode()
    return "".join(lines)


def _shows(node: ast.AST) -> list[ast.Expr]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "z.show":
        return [node]
    return [show for child in ast.iter_child_nodes(node) for show in _shows(child)]

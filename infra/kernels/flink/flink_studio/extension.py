"""The IPython extension: cells that start with `%flink` are paragraphs."""

import atexit

from . import kernel
from .paragraph import HEADER, ParagraphError, is_paragraph, parse
from .studio import Studio


def load_ipython_extension(shell) -> None:
    """Called by IPython when the kernel starts."""
    studio = Studio(shell, kernel.jvm)
    atexit.register(studio.stop)
    shell.input_transformers_cleanup.insert(0, to_python)
    shell.events.register("pre_run_cell", studio.before_cell)
    shell.push({"z": studio.z}, interactive=False)
    shell.register_magic_function(lambda line, cell: studio.run(cell), "cell", "flink_paragraph")


def to_python(lines: list[str]) -> list[str]:
    """IPython's input transformer: a paragraph of SQL becomes a call, one of Python loses its first line."""
    cell = "".join(lines)
    if not is_paragraph(cell):
        return lines
    try:
        paragraph = parse(cell)
    except ParagraphError:
        paragraph = None  # told when the cell runs
    if paragraph is not None and paragraph.interpreter == "pyflink":
        start = len(cell) - len(cell.lstrip())
        end = HEADER.match(cell, start).end()
        return (cell[:start] + cell[end:].lstrip(" \t")).splitlines(keepends=True)
    return [f"get_ipython().run_cell_magic('flink_paragraph', '', {cell!r})\n"]

"""Run the script of a job run: arguments, exit code, and Glue's ErrorMessage when it fails."""

import re
import runpy
import sys
import traceback
from pathlib import Path

from infra.engines.spark.statement import describe

# The categories of https://docs.aws.amazon.com/glue/latest/dg/monitor-observability.html; the first that fits counts.
# Which error AWS puts into which is not documented: SYNTAX, SYSTEM_EXIT, QUERY, INVALID_ARGUMENT and RESOURCE_NOT_FOUND
# are as published run errors show them.
CATEGORIES = {
    "SYNTAX_ERROR": r"^(SyntaxError|IndentationError|TabError)\b",
    "SYSTEM_EXIT_ERROR": r"^SystemExit\b",
    "IMPORT_ERROR": r"^(ImportError|ModuleNotFoundError)\b",
    "OUT_OF_MEMORY_ERROR": r"^_?\w*MemoryError\b|OutOfMemoryError|Java heap space",
    "DISK_NO_SPACE_ERROR": r"No space left on device",
    "QUERY_ERROR": r"^(AnalysisException|ParseException)\b",
    "INVALID_ARGUMENT_ERROR": r"^(GlueArgumentError|NameError|KeyError)\b",
    "RESOURCE_NOT_FOUND_ERROR": r"EntityNotFoundException|NoSuchBucket|NoSuchKey|No such file or directory",
    "PERMISSION_ERROR": r"^PermissionError\b|Access ?Denied|not authorized to perform",
    "UNSUPPORTED_OPERATION_ERROR": r"^NotImplementedError\b|UnsupportedOperationException",
    "CONNECTION_ERROR": r"^(Connection\w*|EndpointConnection)Error\b|Connection refused",
}
WITHOUT_LINE = ("SYNTAX_ERROR", "SYSTEM_EXIT_ERROR")  # these stand without "Failed Line Number"


def run(script: str, arguments: list[str], is_spark: bool) -> dict:
    """Run the script as `__main__` with `sys.argv = [script, *arguments]`.

    Its output goes to this process's own stdout and stderr, line by line; so does the traceback of its error.

    Args:
        is_spark: the message begins with the error's category and the line of the script, and a script that exits has
            failed even with the code 0. Else it is a pythonshell job: `sys.exit(0)` and `sys.exit()` succeed.

    Returns:
        `{"status": "ok" | "error", "exit_code"}`, for an error also `"error_message"` (what GetJobRun gives),
        `"ename"`, `"evalue"` and `"traceback"`.
    """
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        code = _exit_code(error)
        if code == 0 and not is_spark:
            return {"status": "ok", "exit_code": 0}
        described = describe(error, script)
        if not isinstance(error, SystemExit):
            sys.stderr.write("".join(described["traceback"]))
        message = glue_message(error, script) if is_spark else error_message(error)
        return {"status": "error", "exit_code": code, "error_message": message, **described}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return {"status": "ok", "exit_code": 0}


def _exit_code(error: BaseException) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 1


def glue_message(error: BaseException, script: str) -> str:
    """ErrorMessage of a Spark job: `Error Category: QUERY_ERROR; Failed Line Number: 12; AnalysisException: …`."""
    message = error_message(error)
    found = (category for category, pattern in CATEGORIES.items() if re.search(pattern, message))
    category = next(found, "UNCLASSIFIED_ERROR")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    line = f"Failed Line Number: {lines[-1]}; " if lines and category not in WITHOUT_LINE else ""
    return f"Error Category: {category}; {line}{message}"


def error_message(error: BaseException) -> str:
    """The error's name and the first line of its message; for an error from Java the cause without the stack."""
    from py4j.protocol import Py4JJavaError

    if isinstance(error, Py4JJavaError):
        call = str(error).partition("\n")[0].rstrip(".:")
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        return f"{call}. {cause.getMessage() or cause.getClass().getName()}".partition("\n")[0]
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__

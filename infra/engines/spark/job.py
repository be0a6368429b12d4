"""Run the script of a job run in a driver: arguments, exit code, and Glue's ErrorMessage when it fails."""

import runpy
import sys
from pathlib import Path

from infra.engines.spark.statement import describe


def run(script: str, arguments: list[str]) -> dict:
    """Run the script as `__main__` with `sys.argv = [script, *arguments]`.

    Its output goes to this process's own stdout and stderr, line by line.

    Returns:
        `{"status": "ok" | "error", "exit_code"}`, for an error also `"error_message"` (what GetJobRun gives),
        `"ename"`, `"evalue"` and `"traceback"`. A script that calls `sys.exit(0)` or `sys.exit()` succeeds.
    """
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code:
            return {
                "status": "error",
                "exit_code": code,
                "error_message": f"SystemExit: {stop.code}",
                **describe(stop, script),
            }
    except BaseException as error:
        described = describe(error, script)
        sys.stderr.write("".join(described["traceback"]))
        return {"status": "error", "exit_code": 1, "error_message": error_message(error), **described}
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return {"status": "ok", "exit_code": 0}


def error_message(error: BaseException) -> str:
    """Glue's ErrorMessage: the error's name and first words; for an error from Java its message without the stack."""
    from py4j.protocol import Py4JJavaError

    if isinstance(error, Py4JJavaError):
        call = str(error).partition("\n")[0].rstrip(".:")
        cause = error.java_exception
        while cause.getCause() is not None:
            cause = cause.getCause()
        return f"{call}. {cause.getMessage() or cause.getClass().getName()}"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '').name}, line {error.lineno})"
    return f"{type(error).__name__}: {error}"

"""Results of workgroups with managed query results: kept by Athena, not in a bucket of the account.

Source: https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
"""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.local.athena.api.executions import Execution
from infra.local.core import state


def path(execution: Execution, suffix: str = "") -> Path:
    """Where a result lies."""
    name = execution.output.replace("/", "_") + suffix
    return state.folder("athena", execution.account, execution.region) / "managed" / name


def put(execution: Execution, suffix: str, body: bytes | Path) -> None:
    """Keep a result. A file is moved."""
    target = path(execution, suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(body, Path):
        shutil.move(body, target)
    else:
        target.write_bytes(body)

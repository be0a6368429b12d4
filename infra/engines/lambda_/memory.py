"""How much memory a function's process had, as the operating system tells it."""

from __future__ import annotations

import re
import subprocess
import sys


def most_mb(leader: int, function: int) -> int:
    """Return the most memory that a function's process had so far, in MiB; 0 when it cannot be told.

    Parameters
    ----------
    leader: number of the environment's first process, 0 while there is none
    function: number of the function's own process, 0 where it is not known
    """
    if not leader:
        return 0
    if sys.platform != "linux":
        told = subprocess.run(["ps", "-o", "rss=", "-g", str(leader)], capture_output=True, text=True)
        return sum(int(line) for line in told.stdout.split()) // 1024
    if not function:
        return 0
    try:
        with open(f"/proc/{function}/status") as file:
            found = re.search(r"VmHWM:\s+(\d+)", file.read())
        return int(found[1]) // 1024 if found else 0
    except OSError:
        return 0


def last_descendant(leader: int) -> int:
    """Return the function's process: the first child's first child of the environment's leader, or its only child; 0 while there is none.

    Parameters
    ----------
    leader: number of the environment's first process
    """
    process = leader
    try:
        for _ in range(2):
            with open(f"/proc/{process}/task/{process}/children") as file:
                children = file.read().split()
            if not children:
                break
            process = int(children[0])
    except OSError:  # it has ended, or this is no Linux
        return 0
    return 0 if process == leader else process

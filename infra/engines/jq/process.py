"""Runs one jq query over JSON texts: `python -m infra.engines.jq.process FD`.

The socket FD brings the query, is answered with what is wrong with it (nothing for nothing), and then brings texts, each answered
with `R` and the first result or `E` and jq's error. Source: https://jqlang.org/manual/v1.6/
"""

from __future__ import annotations

import json
import os
import resource
import sys
from multiprocessing.connection import Connection

import jq

MEMORY_BYTES = 512 << 20
NICE = 5  # the server answers before queries are worked on


def confine() -> None:
    """Leave the query no environment and no file to read (`import`, `include`), and no more memory than it may have."""
    os.environ.clear()
    os.chdir("/")
    os.nice(NICE)
    for limit, wanted in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
    ):
        _, most = resource.getrlimit(limit)
        resource.setrlimit(limit, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def serve(channel: Connection) -> None:
    """Answer until the server closes its end."""
    try:
        program = jq.compile(channel.recv_bytes().decode())
    except ValueError as error:
        channel.send_bytes(str(error).encode())
        return
    channel.send_bytes(b"")
    while True:
        try:
            text = channel.recv_bytes().decode("utf-8", "replace")
        except EOFError:
            return
        try:
            answer = b"R" + json.dumps(next(iter(program.input_text(text))), ensure_ascii=False).encode(
                "utf-8", "replace"
            )
        except ValueError as error:
            answer = b"E" + str(error).encode("utf-8", "replace")
        except StopIteration:
            answer = b"Ethe query has no result"
        channel.send_bytes(answer)


if __name__ == "__main__":
    confine()
    serve(Connection(int(sys.argv[1])))

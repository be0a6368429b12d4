"""Start and stop of the local AWS: one process, on 127.0.0.1 only, found again by its state file.

`python -m infra.local.server --home .workshop` runs it in the foreground.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import logging.handlers
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

import orjson

from infra import server_process

HOST = "127.0.0.1"
FIRST_PORT = 4566
PORTS = 100
SWITCH_SECONDS = 0.0005  # that a thread works while others wait: with Python's 5 ms a light call, which changes threads twice, waits 160 ms beside eight heavy ones
METRICS_SECONDS = 60

log = logging.getLogger("workshop.server")


def listen(port: int | None) -> socket.socket:
    """Return a listening socket on `port`, or on 4566 or the next free one. Raises OSError when there is none."""
    candidates = [port] if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS)
    for candidate in candidates:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        listener.listen(512)
        return listener
    wanted = f"Port {port} is" if port is not None else f"The ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are"
    raise OSError(
        errno.EADDRINUSE, f"{wanted} taken by another program. Choose another one: workshop lab --port NUMBER"
    )


def _load() -> None:
    """Bring back every saved backend, then let the services go on with what was under way."""
    from infra.local.core import registry, state
    from infra.local.core.roles import recorder

    recorder.load()
    for name in ("s3", "kinesis"):  # the hot ones: ready before the first request
        registry.get(name)
    for name, account, region in state.saved():
        try:
            service = registry.get(name)
        except registry.UnknownService:
            state.say(
                f"The state of {name} in account {account} stays on disk: no service of this version has that name."
            )
            continue
        state.load(name, service, account, region)
    for service in registry.loaded():
        try:
            service.resume()
        except Exception as error:  # the others must go on all the same
            log.exception("resuming %s", service.name)
            state.say(
                f"{service.name} could not go on with what was under way ({type(error).__name__}: {error}); see server.log."
            )


async def _metrics_clock() -> None:
    from infra.local.core import telemetry
    from infra.local.core.roles import recorder

    while True:
        await asyncio.sleep(METRICS_SECONDS)
        await asyncio.to_thread(telemetry.flush_metrics)
        await asyncio.to_thread(recorder.flush)


async def _serve(listener: socket.socket, home: Path) -> None:
    import uvicorn

    from infra.local.core import members
    from infra.local.core.connection import Connection
    from infra.local.core.front import application

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http=Connection,
        ws="none",
        loop="uvloop",
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=120,  # longer than clients pause between calls: a connection closed at that moment would fail a call
    )
    server = uvicorn.Server(config)
    clock = asyncio.create_task(_metrics_clock())
    state_file = home / "server.json"
    port = listener.getsockname()[1]
    state_file.touch(mode=0o600)
    state_file.chmod(0o600)  # it holds the key of the one who leads
    told = {"pid": os.getpid(), "port": port, "started": time.time(), "key": members.KEY, "class": members.enforced()}
    state_file.write_bytes(orjson.dumps(told))
    try:
        await server.serve(sockets=[listener])
    finally:
        clock.cancel()
        state_file.unlink(missing_ok=True)


def _stop() -> None:
    from infra.local.core import pace, registry, state, telemetry
    from infra.local.core.roles import recorder

    pace.stop()
    telemetry.flush_metrics(all_of_them=True)
    recorder.flush()
    for service in reversed(registry.loaded()):
        try:
            service.stop()
        except Exception:  # the others must be stopped all the same
            log.exception("stopping %s", service.name)
    state.close()


def _logging(home: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(home / "server.log", maxBytes=5_000_000, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("botocore", "urllib3", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.server", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".workshop"), help="folder for state, log and state file")
    parser.add_argument("--port", type=int, default=None, help="port to listen on (4566 or the next free one)")
    parser.add_argument(
        "--shard-limits",
        action="store_true",
        help="enforce the write limits of Kinesis shards and of Firehose's Direct PUT",
    )
    parser.add_argument(
        "--members", type=Path, default=None, help="file with the keys of a class: every signature is checked"
    )
    parser.add_argument(
        "--pace",
        type=float,
        default=0.0,
        help="let steps take their time on AWS, times this, with AWS's limits on how often one may ask; 0: at once",
    )
    parser.add_argument(
        "--spark-sessions", type=int, default=None, help="Glue sessions that run at once; by memory without it"
    )
    parser.add_argument("--flink-kernels", type=int, default=None, help="Flink kernels of a class that run at once")
    parser.add_argument(
        "--flink-applications", type=int, default=None, help="Flink applications of a class that run at once"
    )
    options = parser.parse_args(arguments)
    home: Path = options.home.resolve()
    try:
        server_process.check_writable(home)
    except server_process.LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1
    _logging(home)
    sys.setswitchinterval(SWITCH_SECONDS)
    os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"
    os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "false"
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):  # boto3 inside moto must not look outside
        os.environ.pop(name, None)
    os.environ.setdefault("AWS_CONFIG_FILE", os.devnull)
    os.environ.setdefault("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    try:
        listener = listen(options.port)
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        return 1

    from infra.local.core import limits as write_limits
    from infra.local.core import members, pace, state, telemetry

    try:
        state.open(home / "state")
    except (state.Unusable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    telemetry.set_endpoint(f"http://{HOST}:{listener.getsockname()[1]}")
    write_limits.drivers = options.spark_sessions
    write_limits.flink_kernels = options.flink_kernels
    write_limits.flink_applications = options.flink_applications
    if options.members is not None:
        try:
            members.enforce(options.members)
        except (OSError, ValueError, TypeError) as error:
            print(f"The keys of the class in {options.members} cannot be read: {error}", file=sys.stderr)
            return 1
    write_limits.enforce(options.shard_limits or options.pace > 0)
    try:
        pace.set_factor(options.pace)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        _load()
    except (OSError, sqlite3.Error) as error:
        log.exception("loading the state")
        print(f"The state in {home / 'state'} could not be read: {error}.", file=sys.stderr)
        return 1
    for sentence in state.notes:
        print(sentence, file=sys.stderr, flush=True)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # uvicorn ends at SIGTERM and then raises it again: the default would end the process before the services are stopped
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        import uvloop

        uvloop.run(_serve(listener, home))
    finally:
        _stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

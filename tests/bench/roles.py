"""What asking for permissions costs: requests for a second of the server's processor time, with the gate and without it, taken in turns in one run.

Processor time, not the clock: the two servers do the same work, and another program beside them must not decide.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.bench import doubles, raw
from tests.bench.doubles import Double, free_port
from tests.bench.report import row

REGION = "us-east-1"
ROOT_GOAL, SESSION_GOAL = 0.98, 0.9
REQUESTS, ROUNDS = 300, 25
OPEN = """
import sys
from infra.local.core import roles
roles.authorize = lambda *_: None  # before the front and the wires ask for it
from infra.local import server
sys.argv[1:] = {arguments!r}
server.main()
"""


@contextmanager
def _two(folder: Path) -> Iterator[tuple[Double, Double]]:
    """Our server, and the same without its gate."""
    port = free_port()
    arguments = ["--home", str(folder / "open"), "--port", str(port)]
    asking = doubles.ours(folder / "asking")
    try:
        ungated = Double("open", [sys.executable, "-c", OPEN.format(arguments=arguments)], {}, port)
        try:
            yield asking, ungated
        finally:
            ungated.stop()
    finally:
        asking.stop()


def _session(double: Double) -> tuple[str, str]:
    """Access key id and token of a role that may do what is measured, by a policy as templates have it."""
    trust = {"Effect": "Allow", "Principal": {"AWS": raw.ACCOUNT}, "Action": "sts:AssumeRole"}
    iam = double.client("iam")
    arn = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    prefix = f"arn:aws:glue:{REGION}:{raw.ACCOUNT}"
    allow = [
        {"Action": ["kinesis:PutRecord", "kinesis:PutRecords"], "Resource": f"arn:aws:kinesis:{REGION}:{raw.ACCOUNT}:stream/raw*"},
        {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::raw-*/*"},
        {"Action": ["glue:GetDatabase", "glue:GetTable"], "Resource": [f"{prefix}:catalog", f"{prefix}:database/raw*", f"{prefix}:table/raw*"]},
    ]  # fmt: skip
    iam.put_role_policy(RoleName="bench", PolicyName="p", PolicyDocument=_policy(*allow))
    keys = double.client("sts").assume_role(RoleArn=arn, RoleSessionName="bench")["Credentials"]
    return keys["AccessKeyId"], keys["SessionToken"]


def _policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def _requests(double: Double) -> dict[str, bytes]:
    requests = raw.prepared(double, "roles")
    storage = {
        "Location": "s3://raw-roles/t/",
        "Columns": [{"Name": f"c{number}", "Type": "string"} for number in range(10)],
    }
    double.client("glue").create_table(DatabaseName="rawroles", TableInput={"Name": "t", "StorageDescriptor": storage})
    headers = "X-Amz-Target: AWSGlue.GetTable\r\n" + raw.JSON
    table = raw.request(double, "glue", "POST", "/", b'{"DatabaseName":"rawroles","Name":"t"}', headers)
    return requests | {"Glue GetTable": table}


def _of_session(request: bytes, key: str, token: str) -> bytes:
    head = f"X-Amz-Security-Token: {token}\r\nContent-Length:".encode()
    return request.replace(b"Credential=" + raw.ACCOUNT.encode(), b"Credential=" + key.encode(), 1).replace(b"Content-Length:", head, 1)  # fmt: skip


def processor_seconds(pid: int) -> float:
    """Return what a process has used of the processor, its ended threads too; to the nanosecond where the system tells it."""
    if sys.platform != "linux":
        return sum(psutil.Process(pid).cpu_times()[:2])
    return time.clock_gettime((~pid << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)


def _spent(double: Double, data: bytes) -> float:
    """Return the seconds of the processor that REQUESTS requests take."""
    connection = raw.Connection(double)
    connection.ask(data)
    before = processor_seconds(double.process.pid)
    for _ in range(REQUESTS):
        connection.ask(data)
    return processor_seconds(double.process.pid) - before


def _ratio(asking: tuple[Double, bytes], ungated: tuple[Double, bytes], rounds: int) -> tuple[float, float]:
    """Return requests for a second of the processor: with the gate over without it, and with it by itself; medians."""
    pairs = [(_spent(*asking), _spent(*ungated)) for _ in range(rounds)]
    with_gate = statistics.median(pair[0] for pair in pairs)
    return statistics.median(without / gated for gated, without in pairs), REQUESTS / with_gate


def measure(short: bool) -> list[str]:
    """Return the lines of the table."""
    rounds = 9 if short else ROUNDS
    lines = [
        f"Requests for a second of the processor, the server with its gate over the same without; {rounds} × {REQUESTS} each, in turns.",
        "",
        "| request | ratio (with the gate, in a second of the processor) | goal | met |",
        "|---|---:|---:|---|",
    ]
    with tempfile.TemporaryDirectory() as name, _two(Path(name)) as servers:
        plain = [_requests(double) for double in servers]
        keys = [_session(double) for double in servers]
        for what in plain[0]:
            asked = [(double, plain[number][what]) for number, double in enumerate(servers)]
            as_role = [(double, _of_session(data, *keys[number])) for number, (double, data) in enumerate(asked)]
            for whose, pair, goal in (("own key", asked, ROOT_GOAL), ("role session", as_role, SESSION_GOAL)):
                ratio, rate = _ratio(pair[0], pair[1], rounds)
                lines.append(row(f"{what}, {whose}", f"{ratio:.3f} ({rate:,.0f})", f"≥ {goal}", ratio >= goal))
    return lines

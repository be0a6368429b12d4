"""Step Functions: how many state transitions a second, beside other doubles in the same run."""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.bench import doubles
from tests.bench.doubles import Double
from tests.bench.report import met, row

RUNS = 3
ROUNDS = 1_000  # of a loop of two states
EXECUTIONS, STATES = 50, 20
SYNC_CALLS = 100
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _loop(rounds: int) -> str:
    """A state that counts and a Choice, again and again: two transitions a round."""
    add = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"}
    enough = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericLessThan": rounds, "Next": "Add"}],
        "Default": "Done",
    }
    return json.dumps({"StartAt": "Add", "States": {"Add": add, "Enough": enough, "Done": {"Type": "Succeed"}}})


def _row(states: int) -> str:
    chain: dict[str, Any] = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(states - 1)}
    chain[f"S{states - 1}"] = {"Type": "Pass", "End": True}
    return json.dumps({"StartAt": "S0", "States": chain})


def _prepare(double: Double) -> str:
    """Return the ARN of a role; moto runs state machines only when it is told to."""
    if double.name == "moto":
        settings = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
        url = f"http://127.0.0.1:{double.port}/moto-api/config"
        with urllib.request.urlopen(urllib.request.Request(url, settings, {"Content-Type": "application/json"})):
            pass
    iam = double.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="bench-states", AssumeRolePolicyDocument=json.dumps(TRUST))
    arn: str = iam.get_role(RoleName="bench-states")["Role"]["Arn"]
    return arn


def _wait(client: Any, arn: str) -> None:
    deadline = time.perf_counter() + 120
    while (found := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.perf_counter() > deadline:
            raise TimeoutError(arn)
        time.sleep(0.005)
    if found["status"] != "SUCCEEDED":
        raise RuntimeError(f"{found['status']}: {found.get('cause')}")


def one_execution(double: Double, role: str, run: str) -> float:
    """Return transitions a second of one long execution."""
    client = double.client("stepfunctions")
    machine = client.create_state_machine(name=f"loop-{run}", definition=_loop(ROUNDS), roleArn=role)["stateMachineArn"]
    begin = time.perf_counter()
    _wait(client, client.start_execution(stateMachineArn=machine, name=f"run-{run}", input='{"n": 0}')["executionArn"])
    return (2 * ROUNDS + 1) / (time.perf_counter() - begin)


def many_executions(double: Double, role: str, run: str) -> float:
    """Return transitions a second of many short executions, their starts and ends included."""
    client = double.client("stepfunctions")
    machine = client.create_state_machine(name=f"row-{run}", definition=_row(STATES), roleArn=role)["stateMachineArn"]
    begin = time.perf_counter()
    started = [
        client.start_execution(stateMachineArn=machine, name=f"run-{run}-{number}", input="{}")["executionArn"]
        for number in range(EXECUTIONS)
    ]
    for arn in started:
        _wait(client, arn)
    return EXECUTIONS * STATES / (time.perf_counter() - begin)


COMPARED = (
    ("One execution of 2,001 transitions", one_execution),
    (f"{EXECUTIONS} executions of {STATES} transitions", many_executions),
)


def _value(measure: Any, double: Double, run: str) -> float:
    try:
        return float(measure(double, _prepare(double), run))
    except Exception as error:  # a peer that cannot counts as 0 and says so
        if double.name == "ours":
            raise
        print(f"  {double.name}: {type(error).__name__}: {str(error)[:120]}", flush=True)
        return 0.0


def _sync(double: Double) -> float:
    """Return the median seconds of StartSyncExecution of one Pass state."""
    client = double.client("stepfunctions")
    client.meta.events.register(
        "before-call.sfn", lambda params, **_: params.update(url=_without_prefix(params["url"]))
    )
    role = _prepare(double)
    machine = client.create_state_machine(name="quick", definition=_row(1), roleArn=role, type="EXPRESS")
    times = []
    for _ in range(SYNC_CALLS):
        begin = time.perf_counter()
        client.start_sync_execution(stateMachineArn=machine["stateMachineArn"])
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _without_prefix(url: str) -> str:
    return url.replace("://sync-", "://")


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    runs = 1 if short else RUNS
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        folder = Path(name)
        doubles.install_peers(folder)
        rows = []
        with doubles.all_running(folder) as running:
            names = [double.name for double in running]
            for what, how in COMPARED:
                values: dict[str, list[float]] = {name: [] for name in names}
                for run in range(runs):
                    for double in running:
                        values[double.name].append(_value(how, double, f"{run}"))
                medians = {name: statistics.median(each) for name, each in values.items()}
                best = max(value for name, value in medians.items() if name != "ours")
                cells = " | ".join(f"{medians[name]:,.0f}" if medians[name] else "failed" for name in names)
                ratio = f"{medians['ours'] / best:.2f}" if best else "–"
                rows.append(
                    f"| {what} (transitions/s) | {cells} | {ratio} | {met(not best or medians['ours'] >= best)} |"
                )
                print(rows[-1], flush=True)
            seconds = _sync(next(double for double in running if double.name == "ours"))
    return [
        f"Peers: {', '.join(requirement for requirement, _ in doubles.PEERS.values())}; moto with its interpreter switched on. "
        f"The runs take turns; the figures are medians of {runs}. Ours stores every step before it goes on; the peers keep all in memory.",
        "",
        f"| what | {' | '.join(names)} | ours / best peer | met |",
        f"|---|{'---|' * (len(names) + 2)}",
        *rows,
        "",
        "| what, ours alone | value | goal | met |",
        "|---|---|---|---|",
        row("StartSyncExecution of one state, median", f"{seconds * 1000:.1f} ms", "≤ 20 ms", seconds <= 0.02),
    ]

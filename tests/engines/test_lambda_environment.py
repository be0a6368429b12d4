"""An execution environment by itself, with AWS's runtime client and with the runner that stands in for it where it has no wheel."""

import json
import os

import pytest

from infra.engines.lambda_ import launching
from infra.engines.lambda_.environment import Environment
from infra.engines.lambda_.invocation import Event, Spec
from infra.engines.lambda_.launching import Launcher

SOURCE = """
import logging, os
def handler(event, context):
    print("printed")
    logging.warning("logged")
    if event == "raise":
        raise ValueError("no good")
    if event == "set":
        return {1}
    return [event, context.aws_request_id, context.function_name, context.memory_limit_in_mb, context.get_remaining_time_in_millis() > 0]
"""


@pytest.fixture(params=["AWS's client", "our runner"])
def start(request, tmp_path, monkeypatch):
    """Start an environment of a handler; all are ended with the test."""
    if request.param == "our runner":
        place = launching._place
        monkeypatch.setattr(launching, "_place", lambda name: None if name == "runtime_client" else place(name))
    launcher, started = Launcher(tmp_path / "home"), []

    def start(source=SOURCE, handler="app.handler"):
        task = tmp_path / f"task{len(started)}"
        task.mkdir()
        (task / "app.py").write_text(source)
        variables = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "PATH": "/usr/bin:/bin"}
        environment = Environment(
            launcher, Spec(handler, variables, task, None, tmp_path / f"tmp{len(started)}", 128, 512)
        )
        started.append(environment)
        return environment

    yield start
    launcher.stop()


def event(payload, timeout=10.0):
    return Event("request-1", json.dumps(payload).encode(), "arn", timeout)


def test_events_errors_and_output(start):
    environment, lines = start(), []
    assert environment.initialise(lines.append).fault == ""
    outcome = environment.invoke(event({"a": "ü"}), lines.append)
    assert json.loads(outcome.payload) == [{"a": "ü"}, "request-1", "f", "128", True] and outcome.fault == ""
    assert (
        lines[0] == "printed\n"
        and lines[1].startswith("[WARNING]\t")
        and lines[1].rstrip().endswith("request-1\tlogged")
    )
    failed = environment.invoke(event("raise"), lines.append)
    said = json.loads(failed.payload)
    assert (failed.fault, said["errorType"], said["errorMessage"], said["requestId"]) == (
        "error",
        "ValueError",
        "no good",
        "request-1",
    )
    assert said["stackTrace"] == ['  File "/var/task/app.py", line 7, in handler\n    raise ValueError("no good")\n']
    assert any("[ERROR] ValueError: no good" in line for line in lines)
    assert json.loads(environment.invoke(event("set"), lines.append).payload)["errorType"] == "Runtime.MarshalError"
    assert environment.invoke(event(1), lines.append).usable
    environment.stop()


@pytest.mark.parametrize(
    ("source", "handler", "kind"),
    [
        ("import nothing_of_this_name", "app.handler", "Runtime.ImportModuleError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        (SOURCE, "handler", "Runtime.MalformedHandlerName"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("raise KeyError('k')", "app.handler", "KeyError"),
    ],
)
def test_a_handler_that_cannot_be_had(start, source, handler, kind):
    environment = start(source, handler)
    outcome = environment.initialise(lambda line: None)
    assert (outcome.fault, outcome.error_type, json.loads(outcome.payload)["errorType"]) == ("error", kind, kind)
    environment.stop()


def test_time_is_up(start):
    environment = start("def handler(event, context):\n  while True: pass")
    environment.initialise(lambda line: None)
    outcome = environment.invoke(event(1, timeout=0.3), lambda line: None)
    assert (outcome.fault, outcome.error_type, outcome.usable) == ("timeout", "Sandbox.Timedout", False)
    assert 0.3 <= outcome.seconds < 30


def test_a_server_with_more_than_a_thousand_open_files(start):
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        environment = start()
        assert environment.initialise(lambda line: None).fault == ""
        assert environment.invoke(event(1), lambda line: None).fault == ""
    finally:
        for descriptor in held:
            os.close(descriptor)

"""AWS's command line client makes a function, a state machine, a rule and a schedule, and sees them work."""

from __future__ import annotations

import json
import os

from awscli.clidriver import create_clidriver

from infra import profile, project
from tests.lambda_functions import ALL, TRUST, zipped
from tests.polling import until

MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "greet", "Payload": "{% $states.input %}"},
            "Output": "{% $states.result.Payload %}",
            "End": True,
        }
    },
}


def test_function_state_machine_rule_and_schedule(server, client, account, tmp_path, monkeypatch, capsys):
    profile.write(tmp_path, server.endpoint, account)  # what a learner's command line works with
    config, credentials = profile.files(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_DATA_PATH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", project.LOCAL_PROFILE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.chdir(tmp_path)

    def aws(*arguments, fails=""):
        """What a command prints; run in this process, since a new one costs a second."""
        status = create_clidriver().main(list(arguments))
        out, error = capsys.readouterr()
        assert bool(status) == bool(fails) and fails in error, error
        return json.loads(out) if out.strip() else {}

    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Principal"]["Service"] = [
        f"{name}.amazonaws.com" for name in ("lambda", "states", "events", "scheduler")
    ]
    iam = client("iam")
    role = iam.create_role(RoleName="all", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="all", PolicyName="own", PolicyDocument=json.dumps(ALL))

    (tmp_path / "code.zip").write_bytes(zipped("def handler(event, context):\n    return {'hello': event['name']}\n"))
    made = aws("lambda", "create-function", "--function-name", "greet", "--runtime", "python3.11", "--role", role,
               "--handler", "app.handler", "--zip-file", "fileb://code.zip")  # fmt: skip
    assert made["State"] == "Pending"
    aws("lambda", "wait", "function-active-v2", "--function-name", "greet")
    told = aws("lambda", "invoke", "--function-name", "greet", "--payload", '{"name": "Ann"}', "--log-type", "Tail",
               "out.json")  # fmt: skip
    assert told["StatusCode"] == 200 and json.loads((tmp_path / "out.json").read_text()) == {"hello": "Ann"}
    aws("lambda", "invoke", "--function-name", "none", "out.json", fails="(ResourceNotFoundException)")

    machine = aws("stepfunctions", "create-state-machine", "--name", "m", "--role-arn", role,
                  "--definition", json.dumps(MACHINE))["stateMachineArn"]  # fmt: skip
    express = aws("stepfunctions", "create-state-machine", "--name", "e", "--role-arn", role, "--type", "EXPRESS",
                  "--definition", json.dumps(MACHINE))["stateMachineArn"]  # fmt: skip
    told = aws("stepfunctions", "start-sync-execution", "--state-machine-arn", express, "--input", '{"name": "Joe"}')
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"hello": "Joe"})
    wrong = json.dumps({"StartAt": "X", "States": {}})
    assert aws("stepfunctions", "validate-state-machine-definition", "--definition", wrong)["result"] == "FAIL"

    pattern = json.dumps({"source": ["shop"], "detail": {"name": [{"anything-but": {"prefix": "B"}}]}})
    aws("events", "put-rule", "--name", "r", "--event-pattern", pattern)
    aws("events", "put-rule", "--name", "r", "--event-pattern", '{"a": 1}', fails="(InvalidEventPatternException)")
    targets = [{"Id": "t", "Arn": machine, "RoleArn": role, "InputPath": "$.detail"}]
    aws("events", "put-targets", "--rule", "r", "--targets", json.dumps(targets))
    entries = [
        {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps({"name": name})} for name in ("Bob", "Ann")
    ]
    assert aws("events", "put-events", "--entries", json.dumps(entries))["FailedEntryCount"] == 0

    target = json.dumps({"Arn": machine, "RoleArn": role, "Input": '{"name": "Eve"}'})
    aws("scheduler", "create-schedule", "--name", "s", "--schedule-expression", "at(2020-01-01T00:00:00)",
        "--flexible-time-window", "Mode=OFF", "--target", target)  # fmt: skip
    assert aws("scheduler", "get-schedule", "--name", "s")["State"] == "ENABLED"

    states = client("stepfunctions")
    done = until(lambda: states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"])
    told = aws("stepfunctions", "describe-execution", "--execution-arn", done[0]["executionArn"])
    assert json.loads(told["output"]) == {"hello": "Ann"}
    history = aws("stepfunctions", "get-execution-history", "--execution-arn", told["executionArn"])["events"]
    assert [event["type"] for event in history][-2:] == ["TaskStateExited", "ExecutionSucceeded"]
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 1

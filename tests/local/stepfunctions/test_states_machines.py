"""State machines, versions, aliases, tags, the check of definitions, and TestState."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from infra.local.stepfunctions.validation import diagnose
from tests.local.stepfunctions.flows import Flows, machine, make_role

PASS = {"Type": "Pass", "End": True}
DEFINITION = machine(("Only", {"Type": "Pass"}))


@pytest.fixture
def flows(client):
    return Flows(client)


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]


def test_create_describe_update_delete(flows):
    sfn = flows.sfn
    arn = flows.create("flow", DEFINITION)
    assert flows.create("flow", DEFINITION) == arn, "the same again is the same machine"
    other = machine(("Other", {"Type": "Pass"}))
    error = refused(sfn.create_state_machine, name="flow", definition=other, roleArn=flows.role)
    assert error == {"Code": "StateMachineAlreadyExists", "Message": f"State Machine Already Exists: '{arn}'"}
    found = sfn.describe_state_machine(stateMachineArn=arn)
    assert (found["status"], found["type"], found["definition"]) == ("ACTIVE", "STANDARD", DEFINITION)
    assert "revisionId" not in found and found["loggingConfiguration"]["level"] == "OFF"
    assert refused(sfn.update_state_machine, stateMachineArn=arn)["Code"] == "MissingRequiredParameter"
    revision = sfn.update_state_machine(stateMachineArn=arn, definition=other)["revisionId"]
    found = sfn.describe_state_machine(stateMachineArn=arn)
    assert (found["definition"], found["revisionId"]) == (other, revision)
    execution = flows.start(flows.create("waits", machine(("Wait", {"Type": "Wait", "Seconds": 600}))))
    sfn.delete_state_machine(stateMachineArn=execution.replace(":execution:", ":stateMachine:").rpartition(":")[0])
    assert flows.ended(execution)["status"] == "ABORTED"
    sfn.delete_state_machine(stateMachineArn=arn)
    sfn.delete_state_machine(stateMachineArn=arn)
    assert refused(sfn.describe_state_machine, stateMachineArn=arn)["Code"] == "StateMachineDoesNotExist"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a" * 81}, "ValidationException"),
        ({"definition": "{"}, "InvalidDefinition"),
        ({"roleArn": "role"}, "InvalidArn"),
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "AccessDeniedException"),
        ({"versionDescription": "v"}, "ValidationException"),
        ({"loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration"),
        ({"type": "QUICK"}, "ValidationException"),
        ({"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}}, "InvalidEncryptionConfiguration"),
    ],
)  # fmt: skip
def test_a_wrong_machine_is_refused(flows, changes, code):
    parameters = {"name": "flow", "definition": DEFINITION, "roleArn": flows.role, **changes}
    assert refused(flows.sfn.create_state_machine, **parameters)["Code"] == code


def test_logging_needs_rights_of_the_role(flows, client):
    client("logs").create_log_group(logGroupName="/flows")
    group = client("logs").describe_log_groups()["logGroups"][0]["arn"]
    logging = {"level": "ERROR", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}],
    }
    poor = make_role(client("iam"), "poor", policy)
    given = {"name": "flow", "definition": DEFINITION, "loggingConfiguration": logging}
    error = refused(flows.sfn.create_state_machine, roleArn=poor, **given)
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == "The state machine IAM Role is not authorized to access the Log Destination"
    arn = flows.create(**given)
    assert refused(flows.sfn.update_state_machine, stateMachineArn=arn, roleArn=poor)["Code"] == "AccessDeniedException"


def test_a_running_execution_keeps_its_definition(flows):
    arn = flows.create(
        "flow", machine(("Wait", {"Type": "Wait", "Seconds": 2}), ("Say", {"Type": "Pass", "Result": "old"}))
    )
    execution = flows.start(arn)
    flows.sfn.update_state_machine(stateMachineArn=arn, definition=machine(("Say", {"Type": "Pass", "Result": "new"})))
    assert flows.ended(flows.start(arn))["output"] == '"new"'
    assert flows.ended(execution)["output"] == '"old"'
    assert "Wait" in flows.sfn.describe_state_machine_for_execution(executionArn=execution)["definition"]


def test_versions_and_aliases(flows):
    sfn = flows.sfn
    arn = flows.create("flow", machine(("Say", {"Type": "Pass", "Result": 1})))
    first = sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    assert sfn.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == first
    second = sfn.update_state_machine(
        stateMachineArn=arn, definition=machine(("Say", {"Type": "Pass", "Result": 2})), publish=True, versionDescription="two"
    )["stateMachineVersionArn"]  # fmt: skip
    assert [first, second] == [f"{arn}:1", f"{arn}:2"]
    listed = sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [each["stateMachineVersionArn"] for each in listed] == [second, first]
    assert sfn.describe_state_machine(stateMachineArn=second)["description"] == "two"
    assert flows.ended(flows.start(first))["output"] == "1"
    routing = [{"stateMachineVersionArn": first, "weight": 100}]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    assert sfn.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"] == alias
    found = flows.ended(flows.start(alias))
    assert (found["output"], found["stateMachineAliasArn"], found["stateMachineVersionArn"]) == ("1", alias, first)
    error = refused(sfn.delete_state_machine_version, stateMachineVersionArn=first)
    assert error["Code"] == "ConflictException" and error["Message"].endswith("referencing this version: [live]")
    both = [{"stateMachineVersionArn": first, "weight": 50}, {"stateMachineVersionArn": second, "weight": 50}]
    sfn.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=both)
    outputs = {flows.ended(flows.start(alias))["output"] for _ in range(20)}
    assert outputs == {"1", "2"}
    assert (
        sfn.list_state_machine_aliases(stateMachineArn=second)["stateMachineAliases"][0]["stateMachineAliasArn"]
        == alias
    )
    wrong = [{"stateMachineVersionArn": first, "weight": 90}]
    assert (
        refused(sfn.create_state_machine_alias, name="w", routingConfiguration=wrong)["Code"] == "ValidationException"
    )
    bare = [{"stateMachineVersionArn": arn, "weight": 100}]
    assert "must contain state machine version ARNs" in refused(sfn.create_state_machine_alias, name="w", routingConfiguration=bare)["Message"]  # fmt: skip
    assert (
        refused(sfn.create_state_machine_alias, name="1", routingConfiguration=routing)["Code"] == "ValidationException"
    )
    listed = sfn.list_executions(stateMachineArn=alias)["executions"]
    assert len(listed) == 21 and all(each["stateMachineAliasArn"] == alias for each in listed)
    sfn.delete_state_machine_alias(stateMachineAliasArn=alias)
    sfn.delete_state_machine_version(stateMachineVersionArn=first)
    assert refused(flows.sfn.start_execution, stateMachineArn=first)["Code"] == "StateMachineDoesNotExist"


def test_tags(flows):
    arn = flows.create("flow", DEFINITION, tags=[{"key": "a", "value": "1"}])
    flows.sfn.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    flows.sfn.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert flows.sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    found = flows.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["states"])
    assert [each["ResourceARN"] for each in found["ResourceTagMappingList"]] == [arn]
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert refused(flows.sfn.tag_resource, resourceArn=arn, tags=many)["Code"] == "TooManyTags"
    assert refused(flows.sfn.list_tags_for_resource, resourceArn=arn + "x")["Code"] == "ResourceNotFound"


TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("definition", "faults"),
    [
        ({}, ["SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"]),
        ({"States": {"A": PASS}}, ["SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /"]),
        ({"StartAt": "B", "States": {"A": PASS}}, ["MISSING_TRANSITION_TARGET: Missing 'StartAt' target: B at /StartAt"]),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "C"}, "B": PASS}},
            [
                "MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Next",
                'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
            ],
        ),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Nope", "End": True}}},
            ["SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type"],
        ),
        ({"StartAt": "A", "States": {"A": {**PASS, "_c": 1}}}, ["SCHEMA_VALIDATION_FAILED: Field '_c' is not supported at /States/A"]),
        (
            {"StartAt": "A", "States": {"A": {**TASK, "Resource": "arn:aws:states:::glue:nope"}}},
            ["SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::glue:nope is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/A/Resource"],
        ),
        (
            {"StartAt": "A", "States": {"A": {**TASK, "Resource": "arn:aws:states:::aws-sdk:glue:getCrawler", "Parameters": {"name": "x"}}}},
            ["SCHEMA_VALIDATION_FAILED: The field 'name' is not supported by Step Functions at /States/A/Parameters"],
        ),
        (
            {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {**PASS, "QueryLanguage": "JSONPath"}}},
            ["SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/A"],
        ),
        ({"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [], "End": True}}}, ["SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Branches"]),
    ],
)  # fmt: skip
def test_diagnostics_in_awss_words(definition, faults):
    assert [fault.text() for fault in diagnose(json.dumps(definition))] == faults


@pytest.mark.unit
@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass"},
        {"Type": "Pass", "Next": "A", "End": True},
        {"Type": "Wait", "End": True},
        {"Type": "Wait", "Seconds": 1, "Timestamp": "2020-01-01T00:00:00Z", "End": True},
        {"Type": "Wait", "Seconds": -1, "End": True},
        {"Type": "Wait", "Timestamp": "tomorrow", "End": True},
        {"Type": "Choice", "Choices": []},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringEquals": 1, "Next": "A"}]},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "A"}]},
        {"Type": "Choice", "Choices": [{"Variable": "a", "IsNull": True, "Next": "A"}]},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]},
        {"Type": "Pass", "InputPath": "a", "End": True},
        {"Type": "Pass", "ResultPath": "$.a[*]", "End": True},
        {"Type": "Pass", "Parameters": {"a.$": "b"}, "End": True},
        {"Type": "Pass", "Parameters": {"a.$": "States.Nope()"}, "End": True},
        {"Type": "Pass", "Output": "x", "End": True},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% ( %}", "End": True},
        {"Type": "Pass", "QueryLanguage": "JSONata", "Parameters": {}, "End": True},
        {"Type": "Pass", "Assign": {"states": 1}, "End": True},
        {**TASK, "Retry": [{"ErrorEquals": []}]},
        {**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]},
        {**TASK, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]},
        {**TASK, "Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]},
        {**TASK, "Catch": [{"ErrorEquals": ["E"]}]},
        {**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "None"}]},
        {**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5},
        {**TASK, "Resource": "f"},
        {"Type": "Task", "End": True},
        {"Type": "Map", "End": True},
        {"Type": "Map", "End": True, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "X", "States": {"X": PASS}}},
        {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "A", "States": {"A": PASS}}]},
        "text",
    ],
)  # fmt: skip
def test_a_wrong_state_has_a_diagnostic(state):
    assert diagnose(json.dumps({"StartAt": "A", "States": {"A": state}}))


@pytest.mark.unit
def test_express_has_no_sync_and_no_token():
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": "a"},
    }
    assert not diagnose(machine(("S", task)))
    assert [fault.message for fault in diagnose(machine(("S", task)), "EXPRESS")] == [
        "Express state machine does not support '.sync' service integration"
    ]


def test_validate_state_machine_definition(flows):
    good = flows.sfn.validate_state_machine_definition(definition=DEFINITION)
    assert (good["result"], good["diagnostics"], good["truncated"]) == ("OK", [], False)
    bad = machine(("A", {"Type": "Pass", "x": 1}), ("B", {"Type": "Pass", "y": 1}))
    found = flows.sfn.validate_state_machine_definition(definition=bad, maxResults=1)
    assert (found["result"], found["truncated"]) == ("FAIL", True)
    assert found["diagnostics"] == [
        {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "Field 'x' is not supported", "location": "/States/A"}
    ]  # fmt: skip


def test_test_state(flows, client):
    test = client("stepfunctions", inject_host_prefix=False).test_state
    state = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "ResultPath": "$.r", "Next": "Then"}
    found = test(definition=json.dumps(state), roleArn=flows.role, input='{"n": 1}', inspectionLevel="DEBUG")
    assert (found["status"], found["output"], found["nextState"]) == ("SUCCEEDED", '{"n":1,"r":{"n":2}}', "Then")
    assert found["inspectionData"]["afterParameters"] == '{"n":2}'
    get = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:glue:getDatabase",
        "Parameters": {"Name": "none"},
        "End": True,
    }
    found = test(definition=json.dumps(get), roleArn=flows.role)
    assert (found["status"], found["error"]) == ("FAILED", "Glue.EntityNotFoundException")
    retry = {**get, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3}]}
    found = test(definition=json.dumps(retry), roleArn=flows.role, inspectionLevel="DEBUG")
    assert found["status"] == "RETRIABLE"
    assert found["inspectionData"]["errorDetails"] == {"retryIndex": 0, "retryBackoffIntervalSeconds": 3}
    caught = {**get, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Handle"}]}
    mock = {"errorOutput": {"error": "Mine", "cause": "c"}}
    found = test(definition=json.dumps(caught), input='{"a": 1}', mock=mock)
    assert (found["status"], found["nextState"]) == ("CAUGHT_ERROR", "Handle")
    assert json.loads(found["output"]) == {"a": 1, "e": {"Error": "Mine", "Cause": "c"}}
    found = test(definition=json.dumps(get), mock={"result": '{"Database": {"Name": "x"}}'})
    assert json.loads(found["output"]) == {"Database": {"Name": "x"}}
    parallel = {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": PASS}}], "End": True}
    assert refused(test, definition=json.dumps(parallel), roleArn=flows.role)["Code"] == "InvalidDefinition"
    assert refused(test, definition=json.dumps(get))["Message"] == "RoleArn must be specified when testing a Task state"

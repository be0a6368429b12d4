"""TestState with mocks, context objects and levels of inspection. Words and shapes are AWS's, as recorded in LocalStack's snapshots."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

PASS = {"Type": "Pass", "End": True}
PROCESSOR = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
MAP = {"Type": "Map", "ItemsPath": "$.l", "MaxConcurrency": 1, "ItemProcessor": PROCESSOR, "End": True}
PARALLEL = {"Type": "Parallel", "Branches": [PROCESSOR, {"StartAt": "B", "States": {"B": PASS}}], "End": True}
SEND = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
    "End": True,
}
START = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution",
    "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:other"},
    "End": True,
}
EVENTS = {
    "Type": "Task",
    "Resource": "arn:aws:states:::events:putEvents",
    "Parameters": {"Entries": []},
    "End": True,
}
OBJECT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
    "Parameters": {"Bucket": "b", "Key": "k"},
    "End": True,
}


@pytest.fixture
def test(client):
    api = client("stepfunctions", inject_host_prefix=False).test_state

    def call(state, given=None, **more):
        return api(definition=json.dumps(state), input=json.dumps({} if given is None else given), **more)

    return call


def result(value):
    return {"result": json.dumps(value)}


def refusal(test, *given, **more):
    with pytest.raises(ClientError) as error:
        test(*given, **more)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    return error.value.response["Error"]["Message"]


def test_a_mocked_map(test):
    found = test(MAP, {"l": [1, 2]}, mock=result(["a", "b"]), inspectionLevel="TRACE")
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", ["a", "b"])
    shown = found["inspectionData"]
    assert shown.pop("maxConcurrency") == 1
    assert {name: json.loads(value) for name, value in shown.items()} == {
        "input": {"l": [1, 2]},
        "afterInputPath": {"l": [1, 2]},
        "afterItemsPath": [1, 2],
        "afterResultSelector": ["a", "b"],
        "afterResultPath": ["a", "b"],
    }
    chosen = {**MAP, "ItemSelector": {"v.$": "$$.Map.Item.Value", "n.$": "$.n"}, "ItemBatcher": {"MaxItemsPerBatch": 2}}
    shown = test(chosen, {"l": [1, 2, 3], "n": 9}, mock=result([0, 0]), inspectionLevel="TRACE")["inspectionData"]
    items = [{"v": number, "n": 9} for number in (1, 2, 3)]
    assert json.loads(shown["afterItemSelector"]) == items
    assert json.loads(shown["afterItemBatcher"]) == [{"Items": items[:2]}, {"Items": items[2:]}]
    found = test(MAP, {"l": "no"}, mock=result([]))
    assert (found["status"], found["error"], found["cause"]) == (
        "FAILED", "States.Runtime", 'Reference path "$.l" must point to array.',
    )  # fmt: skip


def test_iterations_of_a_map_that_fail(test):
    state = {**MAP, "ToleratedFailureCount": 1, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Handle"}]}
    less = test(state, {"l": [1, 2]}, mock=result([0, 0]), stateConfiguration={"mapIterationFailureCount": 1})
    assert less["status"] == "SUCCEEDED"
    more = {"mapIterationFailureCount": 2}
    found = test(state, {"l": [1, 2]}, mock=result([0, 0]), stateConfiguration=more, inspectionLevel="DEBUG")
    assert (found["status"], found["error"]) == ("CAUGHT_ERROR", "States.ExceedToleratedFailureThreshold")
    assert found["cause"] == "The specified tolerated failure threshold was exceeded"
    assert found["inspectionData"]["errorDetails"] == {"catchIndex": 0}
    assert found["inspectionData"]["toleratedFailureCount"] == 1
    assert refusal(test, MAP, {"l": [1]}, mock=result([0]), stateConfiguration=more) == (
        "Map iteration failure count must be less than or equal to the number of Map iterations"
    )
    assert refusal(test, PASS, stateConfiguration=more) == (
        "TestState does not support MapIterationFailureCount when a mock is not specified."
    )


def test_a_mocked_parallel(test):
    found = test({**PARALLEL, "ResultPath": "$.r"}, {"a": 1}, mock=result([1, 2]), inspectionLevel="DEBUG")
    assert json.loads(found["output"]) == {"a": 1, "r": [1, 2]}
    assert {name: json.loads(value) for name, value in found["inspectionData"].items()} == {
        "input": {"a": 1}, "afterResultSelector": [1, 2], "afterResultPath": {"a": 1, "r": [1, 2]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        (PASS, {"mock": result(1)}, "State type 'Pass' is not supported when a mock is specified"),
        (MAP, {"mock": result({})}, "Mocked result must be an array."),
        (PARALLEL, {"mock": result([1])}, "Mocked result must contain the same number of items as number of Parallel branches."),
        (EVENTS, {"mock": {"result": "text"}}, "Mocked result must be valid JSON"),
        (EVENTS, {"mock": {**result({}), "errorOutput": {}}}, "A test mock should have only one of the following fields: [result, errorOutput]."),
        (EVENTS, {"mock": result({}), "revealSecrets": True}, "TestState does not support RevealSecrets when a mock is specified."),
        (EVENTS, {"mock": result({"Entries": 1})}, "Mock result schema validation error: Field 'Entries' must be an array"),
        (EVENTS, {"mock": result({"Entries": [{"EventId": 1}]})}, "Mock result schema validation error: Field 'EventId' must be a string"),
        (START, {"mock": result({})}, "Mock result schema validation error: Required field 'ExecutionArn' is missing"),
        (OBJECT, {"mock": result({"ContentLength": "1"})}, "Mock result schema validation error: Field 'ContentLength' must be a number"),
        (OBJECT, {"mock": result({"StorageClass": "X"})}, "Mock result schema validation error: Field 'StorageClass' is not an expected value"),
        (PASS, {"context": '{"Map": {}}'}, "Invalid Context object provided: 'Map' field is not supported when mocking a Context object"),
        (PASS, {"context": '{"Pokedex": {}}'}, "Invalid Context object provided: Field 'Pokedex' is not allowed"),
        (PASS, {"context": '{"Execution": {"Id": 1}}'}, "Invalid Context object provided: Execution.Id must be a string"),
        (EVENTS, {"context": '{"Task": {"Token": "t"}}', "mock": result({})}, "Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern"),
        ({"StartAt": "A", "States": {"A": PASS}}, {"stateName": "none"}, "State not found in definition"),
    ],
)  # fmt: skip
def test_what_is_refused(test, state, more, words):
    assert refusal(test, state, {"l": [1]}, **more) == words


def test_a_context_object_and_a_token(test):
    given = {"Task": {"Token": "abcd123"}, "Execution": {"Name": "mine"}}
    more = {"mock": result({"any": 1}), "inspectionLevel": "TRACE", "context": json.dumps(given)}
    found = test(SEND, **more)
    assert json.loads(found["output"]) == {"any": 1}
    assert json.loads(found["inspectionData"]["afterParameters"]) == {"QueueUrl": "q", "MessageBody": "abcd123"}
    del given["Task"]
    state = {"Type": "Pass", "Parameters": {"all.$": "$$"}, "End": True}
    assert json.loads(test(state, context=json.dumps(given))["output"]) == {"all": given}
    assert json.loads(test(state, context="{}")["output"]) == {"all": {}}


def test_modes_of_a_mocks_check(test):
    for mode, given in (("PRESENT", {}), ("NONE", {"ExecutionArn": 1})):
        assert test(START, mock={**result(given), "fieldValidationMode": mode})["status"] == "SUCCEEDED"
    assert "must be a string" in refusal(
        test, START, mock={**result({"StartDate": 1}), "fieldValidationMode": "PRESENT"}
    )


def test_retries_are_counted(test):
    state = {**EVENTS, "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxAttempts": 4}]}
    mock, level = {"errorOutput": {"error": "E", "cause": "c"}}, "DEBUG"
    found = test(state, mock=mock, inspectionLevel=level, stateConfiguration={"retrierRetryCount": 3})
    assert found["inspectionData"]["errorDetails"] == {"retryIndex": 0, "retryBackoffIntervalSeconds": 16}
    found = test(state, mock=mock, inspectionLevel=level, stateConfiguration={"retrierRetryCount": 4})
    assert (found["status"], found["inspectionData"]["errorDetails"]) == ("FAILED", {"retryIndex": 0})


def test_what_a_pass_shows(test):
    shown = test({"Type": "Pass", "Result": 1, "End": True}, 5, inspectionLevel="DEBUG")["inspectionData"]
    assert shown == {"input": "5", "result": "1", "afterResultSelector": "1", "afterResultPath": "1"}
    shown = test(PASS, 5, inspectionLevel="DEBUG", variables='{"x": 1}')["inspectionData"]
    same = ("input", "afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath")
    assert shown == {**dict.fromkeys(same, "5"), "variables": '{"x":1}'}


def test_a_state_inside_of_a_map_by_its_name(test):
    machine = {"StartAt": "M", "States": {"M": {**MAP, "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass", "Result": 3, "End": True}}}}}}  # fmt: skip
    assert test(machine, stateName="In")["output"] == "3"

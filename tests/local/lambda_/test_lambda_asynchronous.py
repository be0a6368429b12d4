"""Asynchronous events: tried again, told to destinations and dead-letter queues, and not lost by kill -9. Pauses are a hundredth of AWS's."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from lambda_functions import ECHO, function
from polling import until

from tests.conftest import Server

FAILS = "def handler(event, context):\n    raise ValueError(context.aws_request_id)\n"


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_LAMBDA_PACE", "0.01")
        running = Server(tmp_path_factory.mktemp("fast") / "workshop")
    yield running
    running.stop()


@pytest.fixture
def there(fast, account):
    return lambda service: fast.client(service, account)


def queue(client, name):
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(client, url):
    given = {"QueueUrl": url, "WaitTimeSeconds": 1, "MessageAttributeNames": ["All"]}
    messages = client("sqs").receive_message(**given).get("Messages", [])
    return messages[0] if messages else None


def test_a_failure_is_tried_three_times_and_told_to_destination_and_dead_letter_queue(there):
    dead_url, dead = queue(there, "dead")
    url, target = queue(there, "failed")
    arn = function(there, FAILS, DeadLetterConfig={"TargetArn": dead})
    aws = there("lambda")
    config = aws.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": target}}
    )
    assert config["FunctionArn"] == f"{arn}:$LATEST"
    began = time.monotonic()
    answer = aws.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b"" and "ExecutedVersion" not in answer
    request_id = answer["ResponseMetadata"]["RequestId"]
    told = json.loads(until(lambda: received(there, url), "the destination's record")["Body"])
    assert time.monotonic() - began > 1.8  # 60 and 120 seconds, at a hundredth
    stamp = told.pop("timestamp")
    assert stamp.endswith("Z") and told == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": request_id,  # the same id in all attempts
            "errorType": "ValueError",
            "requestId": request_id,
            "stackTrace": [
                '  File "/var/task/app.py", line 2, in handler\n    raise ValueError(context.aws_request_id)\n'
            ],
        },
    }
    buried = until(lambda: received(there, dead_url), "the dead letter")
    assert json.loads(buried["Body"]) == {"a": 1}
    attributes = {name: value["StringValue"] for name, value in buried["MessageAttributes"].items()}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": request_id}


def test_success_is_told_and_a_switched_off_function_too(there):
    url, target = queue(there, "told")
    function(there, ECHO)
    aws = there("lambda")
    both = {kind: {"Destination": target} for kind in ("OnSuccess", "OnFailure")}
    aws.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig=both)
    aws.invoke(FunctionName="f", InvocationType="Event", Payload=b'"hello"')
    told = json.loads(until(lambda: received(there, url), "the record")["Body"])
    assert told["requestContext"]["condition"] == "Success" and told["responsePayload"] == "hello"
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    aws.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    aws.invoke(FunctionName="f", InvocationType="Event", Payload=b'"off"')

    def off():
        message = received(there, url)
        body = json.loads(message["Body"]) if message else {}
        return body if body.get("requestPayload") == "off" else None

    told = until(off, "the record of the event that did not run")
    assert told["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert told["requestContext"]["approximateInvokeCount"] == 0 and "responseContext" not in told


def test_bad_configurations(there):
    arn = function(there, ECHO)
    aws = there("lambda")
    with pytest.raises(ClientError, match="You must specify at least one of error handling or destination setting."):
        aws.put_function_event_invoke_config(FunctionName="f")
    with pytest.raises(ClientError, match="You can't specify the function as a destination for itself."):
        aws.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnFailure": {"Destination": arn}})
    with pytest.raises(
        ClientError, match=r"The function .*:function:f:\$LATEST doesn't have an EventInvokeConfig"
    ) as missing:
        aws.get_function_event_invoke_config(FunctionName="f")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_no_accepted_event_is_lost_by_kill_9(own_server, account):
    client = lambda service: own_server.client(service, account)  # noqa: E731
    bucket = f"events-{account}"
    client("s3").create_bucket(Bucket=bucket)
    source = (
        "import boto3, os\ns3 = boto3.client('s3')\ndef handler(event, context):\n"
        "  s3.put_object(Bucket=os.environ['BUCKET'], Key=str(event), Body=b'')"
    )
    function(client, source, Timeout=30, Environment={"Variables": {"BUCKET": bucket}})
    aws = client("lambda")
    for number in range(30):
        assert aws.invoke(FunctionName="f", InvocationType="Event", Payload=str(number))["StatusCode"] == 202
    own_server.kill()
    own_server.restart()
    keys = lambda: {each["Key"] for each in client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}  # noqa: E731
    until(lambda: keys() == {str(number) for number in range(30)}, "all events")


def test_a_killed_server_leaves_no_function_running(own_server, account):
    client = lambda service: own_server.client(service, account)  # noqa: E731
    mark = time.time_ns()
    source = f"import subprocess\ndef handler(event, context):\n  subprocess.run(['sleep', '60{mark % 10**6:06}'])"
    function(client, source, Timeout=600)
    client("lambda").invoke(FunctionName="f", InvocationType="Event")
    command = "sleep\0" + f"60{mark % 10**6:06}"
    until(lambda: _running(command), "the start")
    own_server.kill()
    until(lambda: not _running(command), "the end")
    own_server.restart()


def _running(command):
    from pathlib import Path

    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


CALLS_ITSELF = """
import boto3, json
def handler(event, context):
    told = json.dumps({"n": event["n"] + 1})
    boto3.client("lambda").invoke(FunctionName=context.function_name, InvocationType=event.get("how", "Event"), Payload=told)
"""


def test_a_function_that_calls_itself_is_stopped(client):
    url, arn = queue(client, "dead")
    function(client, CALLS_ITSELF, Timeout=20, DeadLetterConfig={"TargetArn": arn})
    client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 0}')
    letter = until(lambda: received(client, url), "the event that was dropped", 60)
    assert json.loads(letter["Body"]) == {"n": 18}


def test_a_function_that_may_call_itself_goes_on(client):
    code = CALLS_ITSELF.replace("told =", "if event['n'] >= 19: raise ValueError('far')\n    told =")
    url, arn = queue(client, "dead")
    function(client, code, Timeout=20, DeadLetterConfig={"TargetArn": arn})
    client("lambda").put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    client("lambda").put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 0}')
    letter = until(lambda: received(client, url), "the event that failed", 60)
    assert json.loads(letter["Body"]) == {"n": 19}

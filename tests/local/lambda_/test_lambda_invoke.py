"""Functions that run, and how each way to fail is answered, through boto3 on the real server."""

import base64
import json
import re
import socket
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from lambda_functions import ECHO, called, function, role, zipped
from polling import until

LOOP = "def handler(event, context):\n    while True:\n        pass\n"


def test_an_answer_an_error_and_a_second_event_in_the_same_process(client):
    source = """
        import os
        count = 0
        def handler(event, context):
            global count
            count += 1
            if event == "raise":
                raise ValueError("no good")
            return {"event": event, "count": count, "pid": os.getpid(), "tmp": os.listdir("/tmp")}
    """
    function(client, "\n".join(line[8:] for line in source.splitlines()))
    first, error = called(client, event={"a": [1, "ü"]})
    assert error is None and first["event"] == {"a": [1, "ü"]} and first["count"] == 1
    assert set(first["tmp"]) <= {
        sys.prefix.split("/")[2]
    }  # where Python lies below /tmp, its place is there, and nothing else
    failed, error = called(client, event="raise")
    assert error == "Unhandled" and list(failed) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (failed["errorMessage"], failed["errorType"]) == ("no good", "ValueError")
    assert failed["stackTrace"] == ['  File "/var/task/app.py", line 8, in handler\n    raise ValueError("no good")\n']
    assert called(client, event=None)[0]["count"] == 3


FAULTS = {
    "no module": ({"other.py": "x = 1"}, {}, "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'app'"),
    "no handler": ("x = 1", {}, "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    "bad name": (ECHO, {"Handler": "app"}, "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
    "syntax": ("def handler(:", {}, "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"),
    "import raises": ("raise KeyError('k')", {}, "KeyError", "'k'"),
    "no package of ours": ("import pandas", {}, "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'pandas'"),
    "not JSON": ("def handler(e, c): return {1, 2}", {}, "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
    "exit 0": ("import os\ndef handler(e, c): os._exit(0)", {}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited without providing a reason"),
    "exit 7": ("import sys\ndef handler(e, c): sys.exit(7)", {}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"),
    "exit in the import": ("import os\nos._exit(5)", {}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 5"),
    "killed": ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", {}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: signal: killed"),
    "memory": ("def handler(e, c): x = ['x' * 1000000 for i in range(400)]", {}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: signal: killed"),
    "6 MB": ("def handler(e, c): return 'x' * 6500000", {"MemorySize": 512}, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
    "loop": (LOOP, {"Timeout": 1}, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 1.00 seconds"),
    "SIGTERM": ("import signal, time\nsignal.signal(15, signal.SIG_IGN)\ndef handler(e, c): time.sleep(99)", {"Timeout": 1}, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 1.00 seconds"),
    "/tmp full": ("def handler(e, c):\n  with open('/tmp/x', 'wb') as f:\n    for i in range(600): f.write(b'x' * 1000000)", {"Timeout": 30}, "OSError", "[Errno 28] No space left on device"),
    "read-only": ("def handler(e, c): open('/var/task/x', 'w')", {}, "OSError", "[Errno 30] Read-only file system: '/var/task/x'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_answered_as_aws_does(client, fault):
    source, settings, kind, message = FAULTS[fault]
    function(client, source, **settings)
    answer = client("lambda").invoke(FunctionName="f")
    said = json.loads(answer["Payload"].read())
    assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled"
    request_id = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert (said["errorType"], said["errorMessage"].replace(request_id, "ID")) == (kind, message)


def test_after_a_timeout_the_next_event_has_a_new_process(client):
    function(
        client, "import time\nn = 0\ndef handler(e, c):\n  global n\n  n += 1\n  time.sleep(e)\n  return n", Timeout=1
    )
    assert called(client, event=0) == (1, None) and called(client, event=0) == (2, None)
    assert called(client, event=5)[1] == "Unhandled"
    assert called(client, event=0) == (1, None)


def test_processes_that_a_handler_starts_end_with_its_environment(client):
    source = (
        "import os, subprocess, time\ndef handler(e, c):\n"
        "  if os.fork() == 0:\n    os.setsid(); os.execvp('sleep', ['sleep', e])\n"
        "  time.sleep(60)"
    )
    mark = f"{60000 + time.time_ns() % 10000}"
    function(client, source, Timeout=1)
    assert called(client, event=mark)[1] == "Unhandled"
    until(lambda: not _running(f"sleep\0{mark}"), "the end of the forked process")


def _running(command: str) -> bool:
    from pathlib import Path

    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_what_a_function_writes_is_in_the_log_line_by_line_as_aws_writes_it(client):
    source = (
        "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(e, c):\n"
        "  print('one', 1)\n  logging.info('two')\n  print('three', end='')\n  if e: raise RuntimeError('four')"
    )
    function(client, source)
    client("lambda").invoke(FunctionName="f", Payload=b"1")
    logs = client("logs")
    until(lambda: logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/f")["logGroups"], "the log group")
    messages = until(lambda: _messages(logs, "REPORT"), "the report")
    request_id = re.match(r"START RequestId: (\S+) Version: \$LATEST\n$", messages[1])[1]
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    expected = [
        r"INIT_START Runtime Version: python:3\.11\.v\d+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n",
        rf"START RequestId: {request_id} Version: \$LATEST\n",
        r"one 1\n",
        rf"\[INFO\]\t{stamp}\t{request_id}\ttwo\n",
        r"three",
        "\\[ERROR\\] RuntimeError: four\nTraceback \\(most recent call last\\):\n\xa0\xa0File \"/var/task/app.py\", line 7, in handler\n\xa0\xa0\xa0\xa0if e: raise RuntimeError\\('four'\\)",
        rf"END RequestId: {request_id}\n",
        rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
    ]
    assert len(messages) == len(expected), messages
    for message, pattern in zip(messages, expected, strict=True):
        assert re.fullmatch(pattern, message), (message, pattern)
    name = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"][0]["logStreamName"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", name)


def _messages(logs, last: str) -> list[str]:
    streams = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    found = []
    for stream in streams:
        given = {"logGroupName": "/aws/lambda/f", "logStreamName": stream["logStreamName"], "startFromHead": True}
        found += [event["message"] for event in logs.get_log_events(**given)["events"]]
    return found if any(last in message for message in found) else []


def test_the_tail_is_the_end_of_the_runs_log(client):
    function(client, "def handler(e, c):\n  for i in range(1000): print(i)")
    answer = client("lambda").invoke(FunctionName="f", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert (
        len(tail.encode()) <= 4096 and "\n999\nEND RequestId: " in tail and tail.splitlines()[-1].startswith("REPORT")
    )


def test_megabytes_of_output_do_not_block_a_function(client):
    function(
        client,
        "def handler(e, c):\n  print('x' * 3000000)\n  for i in range(50000): print('line', i)\n  return 'done'",
        Timeout=60,
    )
    assert called(client) == ("done", None)


def test_the_clients_of_a_function_need_nothing_but_its_environment(client):
    source = (
        "import boto3, os\ndef handler(e, c):\n  boto3.client('s3').put_object(Bucket=e, Key='k', Body=b'from the function')\n"
        "  return boto3.client('sts').get_caller_identity()['Arn'], os.environ['AWS_REGION'], c.memory_limit_in_mb, c.invoked_function_arn"
    )
    arn = function(client, source, name="writer", Timeout=30, MemorySize=256)
    bucket = f"from-function-{arn.split(':')[4]}"
    client("s3").create_bucket(Bucket=bucket)
    (who, region, memory, invoked), error = called(client, "writer", bucket)
    assert error is None
    account = arn.split(":")[4]
    assert who.split(":")[4] == account and (region, memory) == ("us-east-1", "256")
    assert invoked == arn
    assert client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"from the function"


def test_a_function_sees_its_own_tmp_only(client, tmp_path):
    function(
        client,
        "import os\ndef handler(e, c):\n  open('/tmp/' + e, 'w').write('x')\n  return sorted(os.listdir('/tmp'))",
    )
    name = f"own-{time.time_ns()}"
    seen = called(client, event=name)[0]
    assert name in seen
    from pathlib import Path

    assert not (Path("/tmp") / name).exists()
    assert called(client, event=f"{name}-2")[0] == sorted(
        [*seen, f"{name}-2"]
    )  # /tmp stays while the environment is warm


def test_events_at_the_same_time_run_at_the_same_time(client):
    """Each of five waits until all five have come."""
    waits = "import socket\ndef handler(port, c):\n  socket.create_connection(('127.0.0.1', port)).recv(1)\n  return c.log_stream_name"
    function(client, waits, Timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as meeting, ThreadPoolExecutor(5) as callers:
        meeting.settimeout(60)
        port = meeting.getsockname()[1]
        streams = [callers.submit(called, client, "f", port) for _ in range(5)]
        there = [meeting.accept()[0] for _ in range(5)]
        for each in there:
            each.close()
        assert len({stream.result()[0] for stream in streams}) == 5


def test_reserved_concurrency_throttles(client):
    function(client)
    aws = client("lambda")
    assert (
        aws.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)["ReservedConcurrentExecutions"]
        == 0
    )
    with pytest.raises(ClientError) as refused:
        aws.invoke(FunctionName="f")
    said = refused.value.response
    assert said["Error"]["Code"] == "TooManyRequestsException" and said["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert (
        said["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        and said["Error"]["Message"] == "Rate Exceeded."
    )
    aws.delete_function_concurrency(FunctionName="f")
    assert called(client, event=1) == (1, None)
    with pytest.raises(ClientError, match=r"below its minimum value of \[100\]"):
        aws.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)


def test_bad_events(client):
    function(client)
    aws = client("lambda")
    for payload, said in ((b"{x", "Could not parse request body into json"), (b"hello", "Unrecognized token 'hello'")):
        with pytest.raises(ClientError, match=said) as refused:
            aws.invoke(FunctionName="f", Payload=payload)
        assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    with pytest.raises(
        ClientError, match="Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    ):
        aws.invoke(FunctionName="f", Payload=json.dumps("x" * 6291456))
    with pytest.raises(ClientError, match="Request must be smaller than 1048576 bytes"):
        aws.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps("x" * 1048576))
    with pytest.raises(ClientError, match=r"Function not found: arn:aws:lambda:us-east-1:\d+:function:nope:\$LATEST"):
        aws.invoke(FunctionName="nope")
    assert aws.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    assert called(client, event={"ok": "x" * 6_000_000})[1] is None


def test_zips(client):
    aws, arn = client("lambda"), role(client)
    base = {"FunctionName": "f", "Role": arn, "Runtime": "python3.11", "Handler": "app.handler"}
    for data in (b"no zip", zipped({"../app.py": ECHO}), zipped({"/etc/app.py": ECHO}), zipped({"a/../../b.py": ECHO})):
        with pytest.raises(ClientError, match="Could not unzip uploaded file"):
            aws.create_function(Code={"ZipFile": data}, **base)
    with pytest.raises(ClientError, match="non-empty zip"):
        aws.create_function(Code={"ZipFile": zipped({})}, **base)
    with pytest.raises(
        ClientError, match="S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
    ):
        aws.create_function(Code={"S3Bucket": f"no-such-{time.time_ns()}", "S3Key": "k"}, **base)
    bucket = f"code-{arn.split(':')[4]}"
    client("s3").create_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match=r"NoSuchKey. S3 Error Message: The specified key does not exist\."):
        aws.create_function(Code={"S3Bucket": bucket, "S3Key": "k"}, **base)
    client("s3").put_object(Bucket=bucket, Key="k", Body=zipped({"app.py": ECHO, "lib/x.txt": "data"}))
    aws.create_function(Code={"S3Bucket": bucket, "S3Key": "k"}, **base)
    assert called(client, event="from S3") == ("from S3", None)
    import io
    import urllib.request

    place = aws.get_function(FunctionName="f")["Code"]["Location"]
    with urllib.request.urlopen(place) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
        assert archive.namelist() == ["app.py", "lib/x.txt"]


def test_traces_name_no_folder_of_the_machine_and_a_process_that_ends_had_memory(client):
    function(client, "import json\ndef handler(event, context): return json.loads('{')")
    told, _ = called(client)
    assert '  File "/var/lang/lib/python3.11/json/__init__.py"' in told["stackTrace"][1]
    function(client, "import os\ndef handler(event, context): os._exit(3)", name="g")
    answer = client("lambda").invoke(FunctionName="g", LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert int(re.search(r"Max Memory Used: (\d+) MB", tail)[1]) > 5

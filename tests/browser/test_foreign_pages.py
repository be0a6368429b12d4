"""What a web page of somebody else tries in a real browser against the local AWS; nothing may change, and nothing may be read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser import pages
from tests.polling import until

page, page_with = pages.page, pages.page_with
ACCOUNT = "123456789012"
QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F20261128%2Fus-east-1%2F{}%2Faws4_request&X-Amz-Date=20991128T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
TEMPLATE = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "of-the-stack"}}}}
DELETE = "<Delete><Object><Key>secret.txt</Key></Object></Delete>"
EVIL = "evil.example"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>evil</title><body></body>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[int]:
    """Somebody else's web site, and the port that it is on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def query(service: str) -> str:
    return QUERY.format(ACCOUNT, service)


def form(action: str, fields: dict[str, str], kind: str = "application/x-www-form-urlencoded") -> str:
    """JavaScript that sends a form into a frame of the page."""
    return f"""
        const frame = document.createElement('iframe'); frame.name = 'f' + Math.random(); document.body.append(frame);
        const form = document.createElement('form');
        form.action = {json.dumps(action)}; form.method = 'post'; form.enctype = {json.dumps(kind)}; form.target = frame.name;
        for (const [name, value] of Object.entries({json.dumps(fields)})) {{
            const field = document.createElement('textarea'); field.name = name; field.value = value; form.append(field);
        }}
        document.body.append(form); form.submit();"""


def fetch(url: str, body: str | None = None, kind: str = "text/plain") -> str:
    given = {"method": "POST", "body": body, "headers": {"content-type": kind}} if body is not None else {}
    return f"await fetch({json.dumps(url)}, {json.dumps({'mode': 'no-cors', **given})}).catch(() => 0);"


def image(url: str) -> str:
    return f"const image = new Image(); image.src = {json.dumps(url)}; document.body.append(image);"


def attacks(server: str) -> dict[str, str]:
    job = json.dumps(
        {"Name": "evil", "Role": "r", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://lake/x.py"}}
    )
    upload = {"key": "evil.txt", "policy": "e30=", "x-amz-credential": f"{ACCOUNT}/20261128/us-east-1/s3/aws4_request",
              "x-amz-signature": "00", "x-amz-algorithm": "AWS4-HMAC-SHA256", "file": "evil"}  # fmt: skip
    return {
        "image deletes a stack": image(f"{server}/?Action=DeleteStack&StackName=mine&{query('cloudformation')}"),
        "image makes a user": image(f"{server}/?Action=CreateUser&UserName=evil&{query('iam')}"),
        "image deletes a queue": image(f"{server}/?Action=DeleteQueue&QueueUrl={server}/{ACCOUNT}/of-the-stack&{query('sqs')}"),
        "form makes a user": form(f"{server}/?{query('iam')}", {"Action": "CreateUser", "UserName": "evil"}),
        "form without signature": form(f"{server}/", {"Action": "CreateUser", "UserName": "evil"}),
        "form deletes objects": form(f"{server}/lake?delete&{query('s3')}", {DELETE.partition("=")[0]: ""}, "text/plain"),
        "form uploads": form(f"{server}/lake", upload, "multipart/form-data"),
        "fetch deletes objects unsigned": fetch(f"{server}/lake?delete", DELETE),
        "fetch deletes objects signed": fetch(f"{server}/lake?delete&{query('s3')}", DELETE),
        "fetch makes a job": fetch(f"{server}/?Action=CreateJob&{query('glue')}", job),
        "fetch makes a job by its target": fetch(f"{server}/?X-Amz-Target=AWSGlue.CreateJob&{query('glue')}", job),
        "fetch publishes": fetch(f"{server}/", "Action=CreateTopic&Name=evil", "application/x-www-form-urlencoded"),
        "fetch invokes a function": fetch(f"{server}/2015-03-31/functions/f/invocations?{query('lambda')}", "{}"),
        "frame reads": f"const frame = document.createElement('iframe'); frame.src = {json.dumps(server + '/lake/secret.txt?' + query('s3'))}; document.body.append(frame);",
        "asks before": f"await fetch({json.dumps(server + '/lake/evil.txt')}, {{method: 'PUT', body: 'evil', headers: {{authorization: 'AWS4'}}}}).catch(() => 0);",
    }  # fmt: skip


@pytest.fixture
def lake(own_server: Any) -> Any:
    """A server with a stack and an object in the account that pages know: everybody's default."""
    s3 = own_server.client("s3", ACCOUNT)
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="secret.txt", Body=b"the secret", ContentType="text/plain")
    own_server.client("cloudformation", ACCOUNT).create_stack(StackName="mine", TemplateBody=json.dumps(TEMPLATE))
    sqs = own_server.client("sqs", ACCOUNT)
    until(lambda: sqs.list_queues().get("QueueUrls"), "the stack's queue")
    return own_server


def assert_untouched(server: Any) -> None:
    client = partial(server.client, account=ACCOUNT)
    assert [each["Key"] for each in client("s3").list_objects_v2(Bucket="lake")["Contents"]] == ["secret.txt"]
    assert client("iam").list_users()["Users"] == []
    assert client("glue").get_jobs()["Jobs"] == []
    assert client("sns").list_topics()["Topics"] == []
    assert client("cloudformation").describe_stacks()["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert len(client("sqs").list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_foreign_page_changes_nothing(lake: Any, site: int, page_with: Any, host: str) -> None:
    page = page_with(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1")
    server = f"http://{host}:{lake.port}"
    answered: list[int | str] = []
    page.on("response", lambda answer: answered.append(answer.status) if f":{lake.port}/" in answer.url else None)
    page.on("requestfailed", lambda request: answered.append("stopped by the browser"))
    for name, script in attacks(server).items():
        page.goto(f"http://{EVIL}:{site}/")
        answered.clear()
        page.evaluate(f"async () => {{ {script} }}")
        until(lambda: page.wait_for_timeout(20) or answered, name)
        assert set(answered) <= {403, "stopped by the browser"}, (name, answered)
    assert_untouched(lake)


def test_a_page_whose_name_was_pointed_here_reads_nothing(lake: Any, page_with: Any) -> None:
    """DNS rebinding: for the browser, page and server are one site."""
    page = page_with(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1")
    page.goto(f"http://{EVIL}:{lake.port}/")
    for path in (
        "/lake/secret.txt",
        f"/lake/secret.txt?{query('s3')}",
        "/_workshop/health",
        f"/?Action=ListUsers&{query('iam')}",
    ):
        status, text = page.evaluate(
            "async path => { const answer = await fetch(path); return [answer.status, await answer.text()]; }", path
        )
        assert status == 403 and "the secret" not in text
    signed = (
        f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"
    )
    text = page.evaluate(
        "async header => await (await fetch('/lake/secret.txt', {headers: {authorization: header}})).text()", signed
    )
    assert "the secret" not in text
    assert_untouched(lake)


def test_a_person_may_follow_a_link_to_an_object(lake: Any, site: int, page_with: Any) -> None:
    page = page_with(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1")
    url = lake.client("s3", ACCOUNT).generate_presigned_url("get_object", {"Bucket": "lake", "Key": "secret.txt"})
    page.goto(f"http://{EVIL}:{site}/")
    page.evaluate("url => { document.body.innerHTML = `<a href='${url}'>the report</a>`; }", url)
    page.click("a")
    page.wait_for_url(url)
    assert page.inner_text("body") == "the secret"

"""Uploads by an HTML form: the form's parts, the policy's conditions, and the whole way through the server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any

import pytest

from infra.local.core.refused import Refused
from infra.local.s3 import forms
from tests.conftest import Server

LATER = "2999-01-01T00:00:00Z"  # workers collect the same names of tests


def _policy(*conditions: Any, expiration: Any = LATER) -> str:
    return b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


def _refused(policy: str, fields: dict[str, str], size: int = 3) -> str:
    with pytest.raises(Refused) as caught:
        forms.check_policy(policy, fields, size)
    return f"{caught.value.code}: {caught.value}"


def test_what_a_policy_takes() -> None:
    fields = {"bucket": "b", "key": "up/a.txt", "content-type": "text/plain", "x-ignore-me": "1", "policy": "p"}
    forms.check_policy(
        _policy({"BUCKET": "b"}, ["starts-with", "$Key", "up/"], ["eq", "$Content-Type", "text/plain"], ["content-length-range", 0, 3]),
        fields,
        3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (_policy({"bucket": "b"}, ["starts-with", "$key", "other/"]), "AccessDenied: Invalid according to Policy: Policy Condition failed"),
        (_policy({"bucket": "b"}), "AccessDenied: Invalid according to Policy: Extra input fields: key"),
        (_policy({"bucket": "b"}, ["starts-with", "$key", ""], {"acl": "private"}), "AccessDenied: Invalid according to Policy: Policy Condition failed"),
        (_policy({"bucket": "b"}, ["starts-with", "$key", ""], expiration="2020-01-01T00:00:00Z"), "AccessDenied: Invalid according to Policy: Policy expired"),
        (_policy({"bucket": "b"}, ["starts-with", "$key", ""], ["content-length-range", 0, 2]), "EntityTooLarge"),
        (_policy({"bucket": "b"}, ["starts-with", "$key", ""], ["content-length-range", 4, 9]), "EntityTooSmall"),
        (_policy({"bucket": "b"}, ["content-length-range", "a", 9]), "InvalidPolicyDocument"),
        (_policy({"bucket": "b"}, ["is", "$key", "x"]), "InvalidPolicyDocument"),
        (_policy({"bucket": "b", "key": "x"}), "InvalidPolicyDocument"),
        (_policy({"bucket": "b"}, expiration="tomorrow"), "InvalidPolicyDocument"),
        (b64encode(b'{"conditions": []}').decode(), "InvalidPolicyDocument"),
        (b64encode(b"[1]").decode(), "InvalidPolicyDocument"),
        ("no base64 of JSON", "InvalidPolicyDocument"),
    ],
)  # fmt: skip
def test_what_a_policy_refuses(policy: str, said: str) -> None:
    assert _refused(policy, {"bucket": "b", "key": "k"}).startswith(said)


def _form(fields: dict[str, str], data: bytes, filename: str = "") -> tuple[bytes, str]:
    named = f'; filename="{filename}"' if filename else ""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="file"{named}\r\nContent-Type: text/plain\r\n\r\n'
    return "".join([*parts, head]).encode() + data + b"\r\n--x--\r\n", 'multipart/form-data; boundary="x"'


def test_a_form_is_taken_apart_by_its_boundary_only() -> None:
    body, kind = _form({"key": "a/${filename}"}, b"--y\r\n\r\n--x-like\r\n", "C:\\d\\f.bin")
    assert forms.read(kind, body) == ({"key": "a/${filename}"}, b"--y\r\n\r\n--x-like\r\n", "f.bin")


def _post(server: Server, bucket: str, fields: dict[str, str], data: bytes = b"bar") -> tuple[int, bytes, Any]:
    body, kind = _form(fields, data, "f.txt")
    request = urllib.request.Request(f"{server.endpoint}/{bucket}", body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_a_form_of_boto3_uploads_as_its_policy_says(server: Server, client: Any, account: str) -> None:
    s3, bucket = client("s3", signature_version="s3v4"), f"forms-{account}"
    s3.create_bucket(Bucket=bucket)
    wanted = {"x-amz-meta-who": "me", "x-amz-storage-class": "STANDARD_IA", "success_action_status": "201"}
    conditions = [["starts-with", f"${name}", ""] for name in wanted]
    form = s3.generate_presigned_post(bucket, "up/${filename}", Fields=dict(wanted), Conditions=conditions)
    status, body, _ = _post(server, bucket, form["fields"])
    assert (status, b"<Key>up/f.txt</Key>" in body) == (201, True)
    stored = s3.get_object(Bucket=bucket, Key="up/f.txt")
    assert (stored["Body"].read(), stored["Metadata"], stored["StorageClass"]) == (b"bar", {"who": "me"}, "STANDARD_IA")
    assert _post(server, bucket, {**form["fields"], "x-amz-meta-more": "1"})[0] == 403
    assert _post(server, bucket, {**form["fields"], "key": "elsewhere"})[0] == 403
    assert _post(server, bucket, {"key": "nobody"})[0] == 403
    del form["fields"]["x-amz-signature"]
    assert _post(server, bucket, form["fields"])[0] == 400
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert _post(server, bucket, {"key": "anybody", "acl": "public-read"})[0] == 204
    assert s3.get_object(Bucket=bucket, Key="anybody")["Body"].read() == b"bar"

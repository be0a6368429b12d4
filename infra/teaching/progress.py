"""Tell the class's progress board what became of an exercise: only to the local AWS, signed with the learner's own key.

Pure Python and botocore: a Glue session loads it too.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost")
SECONDS = 5


def report(exercise: str, state: str) -> None:
    """Report that an exercise is "open", "wrong" or "solved"; on real AWS nothing is sent to anybody.

    A board that cannot be reached is no matter of the learner's: the check has told what it had to tell.
    """
    from botocore.exceptions import BotoCoreError

    try:
        signed("POST", "/_workshop/progress", {"exercise": exercise, "state": state})
    except (BotoCoreError, OSError):
        return


def signed(method: str, path: str, told: Any) -> Any:
    """Return what a page of the local AWS answers to this learner, None on real AWS, where nothing is asked.

    Raises botocore's BotoCoreError without a region or credentials, OSError where the local AWS refuses or does not answer.
    """
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    client = boto3.client("sts")
    endpoint, credentials = client.meta.endpoint_url, client._request_signer._credentials
    if urlsplit(endpoint).hostname not in LOOPBACK or credentials is None:
        return None
    body = json.dumps(told)
    request = AWSRequest(method, f"{endpoint}{path}", data=body)
    SigV4Auth(credentials, "workshop", client.meta.region_name).add_auth(request)
    sent = urllib.request.Request(request.url, body.encode(), dict(request.headers.items()), method=method)
    with urllib.request.urlopen(sent, timeout=SECONDS) as answer:
        return json.loads(answer.read())

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
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError

    try:
        endpoint, credentials, region = _cloud()
        if not endpoint or credentials is None:
            return
        body = json.dumps({"exercise": exercise, "state": state})
        request = AWSRequest("POST", f"{endpoint}/_workshop/progress", data=body)
        SigV4Auth(credentials, "workshop", region).add_auth(request)
        sent = urllib.request.Request(request.url, body.encode(), dict(request.headers.items()), method="POST")
        with urllib.request.urlopen(sent, timeout=SECONDS):
            pass
    except (BotoCoreError, OSError):
        return


def _cloud() -> tuple[str, Any, str]:
    """Return the endpoint of the local AWS, "" on real AWS; whose credentials; and the region."""
    import boto3

    client = boto3.client("sts")
    endpoint = client.meta.endpoint_url
    if urlsplit(endpoint).hostname not in LOOPBACK:
        return "", None, ""
    return endpoint, client._request_signer._credentials, client.meta.region_name

"""How long a URL that was signed before is good for.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import time
from calendar import timegm
from collections.abc import Mapping

from infra.local.core.refused import Refused

LONGEST_SECONDS = 604_800


def check_not_expired(query: Mapping[str, str]) -> None:
    """Check how long a presigned URL is good for. Raises Refused."""
    if "X-Amz-Credential" in query:
        try:
            signed = timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
            seconds = int(query["X-Amz-Expires"])
        except (KeyError, ValueError):
            message = (
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
            )
            raise Refused(400, "AuthorizationQueryParametersError", message) from None
        if not 0 <= seconds <= LONGEST_SECONDS:
            message = "X-Amz-Expires must be non-negative" if seconds < 0 else (
                "X-Amz-Expires must be less than a week (in seconds) that is 604800"
            )  # fmt: skip
            raise Refused(400, "AuthorizationQueryParametersError", message)
        expires = signed + seconds
    else:
        if not query.get("Expires", "").isdigit():
            raise Refused(
                403,
                "AccessDenied",
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            )
        expires = int(query["Expires"])
    if time.time() > expires:
        raise Refused(403, "AccessDenied", "Request has expired")

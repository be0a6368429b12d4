"""What stands in a signature before anybody asks whether it is right: its parts, and a region that there is.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from functools import lru_cache

from infra.local.core import moto_backends
from infra.local.core.answers import JSON_TYPES
from infra.local.core.refused import Refused
from infra.local.core.request import DEFAULT_REGION, Request

V4 = "AWS4-HMAC-SHA256"
PARTS = ("Credential", "Signature", "SignedHeaders")


def check_region(request: Request) -> None:
    """Check that the region of a signature is one of AWS's. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    region = request.credential.region
    if region == DEFAULT_REGION or region in _regions():
        return
    if request.service == "s3":
        message = f"The authorization header is malformed; the region '{region}' is wrong; expecting '{DEFAULT_REGION}'"
        raise Refused(400, "AuthorizationHeaderMalformed", message)
    query = request.is_form or "Action" in request.query
    raise Refused(
        403, "SignatureDoesNotMatch" if query else "InvalidSignatureException",
        f"Credential should be scoped to a valid region, not '{region}'. ",
    )  # fmt: skip


def check_unreadable(request: Request) -> None:
    """Tell who has sent half a signature so, and not that there is none. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    given = request.headers.get("authorization", "").strip()
    if not given:
        return
    if request.target or request.content_type in JSON_TYPES or request.is_form or "Action" in request.query:
        if given.startswith(V4):
            absent = [f"Authorization header requires '{part}' parameter." for part in PARTS if f"{part}=" not in given]
            code = "IncompleteSignature" if request.is_form or not request.target else "IncompleteSignatureException"
            said = absent or [
                "Authorization header requires a 'Credential' of the form key/date/region/service/aws4_request."
            ]
            raise Refused(400, code, f"{' '.join(said)} Authorization={given[:200]}")
        return
    if given.startswith(V4):
        raise Refused(
            400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the Credential is mal-formed."
        )
    raise Refused(400, "InvalidArgument", "Unsupported Authorization Type")


@lru_cache(maxsize=1)
def _regions() -> frozenset[str]:
    return frozenset(moto_backends.regions("ec2"))  # which is in all of them

"""The keys that a request brings for conditions and policy variables.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from infra.local.core.roles.evaluation import Kind, Principal
from infra.local.core.roles.sessions import Session, Token

GLOBAL_SERVICES = {"iam", "sts", "budgets"}
_TYPES = {Kind.ROOT: "Account", Kind.USER: "User", Kind.ROLE: "AssumedRole", Kind.SERVICE: "Service"}

Keys = dict[str, tuple[str, ...]]


def of_request(
    principal: Principal, region: str, service: str, source_ip: str = "127.0.0.1", user_agent: str = ""
) -> Keys:
    """Return the global keys of every request.

    aws:SecureTransport is true: the loopback address stands for TLS, so that a bucket's "deny without TLS" does not lock everybody out.

    Parameters
    ----------
    principal: who asks, as policies name it
    region: for example us-east-1
    service: its prefix in actions
    source_ip: where the request came from
    user_agent: of the request
    """
    now = time.time()
    keys: Keys = {
        "aws:currenttime": (_moment(now),),
        "aws:epochtime": (str(int(now)),),
        "aws:securetransport": ("true",),
        "aws:sourceip": (source_ip,),
        "aws:requestedregion": ("us-east-1" if service in GLOBAL_SERVICES else region,),
        "aws:principalarn": (principal.principal_arn,),
        "aws:principalaccount": (principal.account,),
        "aws:principaltype": (_TYPES.get(principal.kind, "Anonymous"),),
        "aws:viaawsservice": ("false",),
        "aws:principalisawsservice": ("false",),
        "aws:resourceaccount": (principal.account,),
    }
    if user_agent:
        keys["aws:useragent"] = (user_agent,)
    return keys


def of_user(name: str, user_id: str, tags: Iterable[tuple[str, str]]) -> Keys:
    """Return the condition keys that are known of a user.

    Parameters
    ----------
    name: of the user
    user_id: its unique id
    tags: pairs of key and value
    """
    return {"aws:username": (name,), "aws:userid": (user_id,), **_tags("aws:principaltag", tags)}


def of_session(session: Session) -> Keys:
    """Return the keys of a role session.

    Parameters
    ----------
    session: of a role
    """
    keys: Keys = {
        "aws:userid": (session.user_id,),
        **of_token(session),
        **_tags("aws:principaltag", session.tags),
    }
    if session.source_identity:
        keys["aws:sourceidentity"] = (session.source_identity,)
    return keys


def of_token(token: Session | Token) -> Keys:
    """Return the keys of temporary credentials.

    Parameters
    ----------
    token: of a user or a federated user
    """
    return {"aws:tokenissuetime": (_moment(token.issued),), "aws:multifactorauthpresent": ("false",)}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _tags(prefix: str, tags: Iterable[tuple[str, str]]) -> Keys:
    return {f"{prefix}/{key}".lower(): (value,) for key, value in tags}

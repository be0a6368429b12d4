"""Who may do what: AWS's policies, evaluated for every caller that is not the account's root.

What services use:

    session = roles.session(account, role, "glue", name="GlueJobRunnerSession")    # raises roles.CannotAssume
    session.client(region, "s3")                    # boto3 on this server, as the role
    session.access_key, session.secret_key, session.token                          # for an engine's environment
    roles.check(session, region, "s3:GetObject", "arn:aws:s3:::lake/key")          # work in this process; raises roles.Denied
    roles.is_allowed(session, region, "logs:PutLogEvents", arn)
    with roles.acting_as(access_key): roles.check(roles.acting(), …)               # work with the caller's own rights
"""

from infra.local.core.roles.authorization import Caller, account_of, acting, acting_as, check, client, is_allowed
from infra.local.core.roles.denial import Denied
from infra.local.core.roles.gate import authorize
from infra.local.core.roles.sessions import CannotAssume, Session, session

__all__ = [
    "Caller",
    "CannotAssume",
    "Denied",
    "Session",
    "account_of",
    "acting",
    "acting_as",
    "authorize",
    "check",
    "client",
    "is_allowed",
    "session",
]

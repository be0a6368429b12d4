"""AWS Security Token Service: sessions of roles and tokens of users, kept until they expire.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.models import STSBackend, sts_backends
from moto.sts.responses import TokenResponse

from infra.local.core.records import RecordDict
from infra.local.core.refused import Refused
from infra.local.core.roles import authorization, context, identities, sessions
from infra.local.core.roles.authorization import Caller
from infra.local.core.roles.denial import sentence
from infra.local.core.roles.evaluation import Ask, Decision, Layer, Policies, Principal
from infra.local.core.roles.policy import MalformedPolicy, Policy, parse
from infra.local.core.roles.sessions import Session, Token

CHAINED_SECONDS = 3600  # a session that assumes a role gets at most an hour
POLICY_CHARACTERS = 2048  # of all session policies together
TAGS = 50
LOOK_SECONDS = 60.0


def _error(code: str, message: str, status: int = 400) -> Refused:
    return Refused(status, code, message)


class LocalSTSBackend(STSBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.sessions = RecordDict()  # access key → Session or Token
        self.looked = 0.0  # at which of them have expired

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update({"looked": 0.0, **values})
        if not isinstance(self.sessions, RecordDict):  # plain in lakes of before
            self.sessions = RecordDict(self.sessions)

    def keep(self, made: Session | Token) -> None:
        """Remember credentials, and once a minute forget those that have expired."""
        now = time.time()
        if now - self.looked > LOOK_SECONDS:
            self.looked = now
            for key, each in list(self.sessions.items()):
                if each.expires is not None and each.expires < now:
                    del self.sessions[key]
        self.sessions[made.access_key] = made


class LocalTokenResponse(TokenResponse):
    """The operations; the gate leaves them to us, since a trust policy decides with the caller's own."""

    @property
    def backend(self) -> LocalSTSBackend:
        return sts_backends[self.current_account][self.partition]  # type: ignore[return-value]

    def _caller(self) -> Caller | None:
        return authorization.find(self.get_access_key())

    def assume_role(self) -> ActionResult:
        """Give out a session of a role whose trust policy, with the caller's policies, allows it."""
        arn, caller = self._get_param("RoleArn"), self._caller()
        principal = caller.principal if caller else authorization.root(self.current_account)
        account = arn.split(":")[4] if arn.count(":") >= 5 else self.current_account
        role = identities.find_role(account, arn)
        keys = self._keys(principal, caller)
        if role is None:
            raise _error("AccessDenied", sentence(Ask(principal, "sts:AssumeRole", arn), _refused()), 403)
        decision = sessions.trusts(role, principal, keys, caller.policies() if caller else Policies())
        if not decision.allowed:
            raise _error("AccessDenied", sentence(Ask(principal, "sts:AssumeRole", arn), decision), 403)
        made = sessions.new(
            identities.role_of(role),
            self._get_param("RoleSessionName"),
            self._seconds(caller, role),
            self._session_policies(account),
            source_identity=self._get_param("SourceIdentity") or "",
            tags=self._tags(),
        )
        sts_backends[account][self.partition].keep(made)
        user = {"AssumedRoleId": made.user_id, "Arn": made.arn}
        return ActionResult(
            {"Credentials": _credentials(made), "AssumedRoleUser": user, "PackedPolicySize": self._packed()}
        )

    def get_session_token(self) -> ActionResult:
        """Give an IAM user, or root, temporary credentials that may do what it may."""
        caller = self._caller()
        if caller is not None and caller.session is not None:
            raise _error("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
        longest = 129_600 if caller else 3600
        seconds = self._limited(min(43_200, longest), 129_600)
        user = caller.user.name if caller and caller.user is not None else ""
        return ActionResult({"Credentials": _credentials(self._token(user, min(seconds, longest)))})

    def get_federation_token(self) -> ActionResult:
        """Give credentials that may do what both the user and the given policy allow."""
        caller = self._caller()
        if caller is not None and caller.session is not None:
            raise _error("AccessDenied", "Cannot call GetFederationToken with session credentials", 403)
        name, user = self._get_param("Name"), caller.user.name if caller and caller.user is not None else ""
        seconds = self._limited(43_200, 129_600)
        made = self._token(user, seconds, self._session_policies(self.current_account) or (), name)
        return ActionResult(
            {
                "Credentials": _credentials(made),
                "FederatedUser": {
                    "FederatedUserId": f"{self.current_account}:{name}",
                    "Arn": f"arn:aws:sts::{self.current_account}:federated-user/{name}",
                },
                "PackedPolicySize": self._packed(),
            }
        )

    def get_caller_identity(self) -> ActionResult:
        caller, account = self._caller(), self.current_account
        if caller is None:
            return ActionResult({"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"})
        user_id = caller.session.user_id if isinstance(caller.session, Session) else caller.principal.unique_id
        return ActionResult({"UserId": user_id, "Account": account, "Arn": caller.principal.arn})

    def get_access_key_info(self) -> ActionResult:
        key = self._get_param("AccessKeyId")
        account = key if key.isdigit() and len(key) == 12 else identities.account_in(key)
        if not account:
            raise _error("InvalidAccessKeyId.NotFound", f"The access key {key} is not found.", 404)
        return ActionResult({"Account": account})

    def _keys(self, principal: Principal, caller: Caller | None) -> context.Keys:
        keys = context.of_request(principal, self.region, "sts")
        keys.update(caller.keys() if caller else {})
        named = (("ExternalId", "sts:externalid"), ("RoleSessionName", "sts:rolesessionname"))
        for member, key in (*named, ("SourceIdentity", "sts:sourceidentity")):
            if self._get_param(member):
                keys[key] = (self._get_param(member),)
        return keys

    def _seconds(self, caller: Caller | None, role: Any) -> int:
        """Return how long a session lasts. Raises Refused for longer than the role, or a session as caller, permits."""
        longest = int(role.max_session_duration or 3600)
        seconds = self._limited(min(3600, longest), 43_200)
        if seconds > longest:
            message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise _error("ValidationError", message)
        if caller is not None and isinstance(caller.session, Session) and seconds > CHAINED_SECONDS:
            message = (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            )
            raise _error("ValidationError", message)
        return seconds

    def _limited(self, default: int, longest: int) -> int:
        given = self._get_param("DurationSeconds")
        try:
            seconds = int(given) if given is not None else default
        except ValueError:
            raise _error("MalformedInput", "Invalid Argument") from None
        for limit, wrong, word in ((900, seconds < 900, "greater"), (longest, seconds > longest, "less")):
            if wrong:
                raise _error(
                    "ValidationError",
                    f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
                    f"Member must have value {word} than or equal to {limit}",
                )
        return seconds

    def _session_policies(self, account: str) -> tuple[Policy, ...] | None:
        """Return the policies that limit a session, None where none was given. Raises Refused."""
        text, arns = self._get_param("Policy"), self._policy_arns()
        if not text and not arns:
            return None
        if len(text or "") > POLICY_CHARACTERS:
            message = f"Packed size of session policies and tags consumes {self._packed()}% of the allotted space."
            raise _error("PackedPolicyTooLarge", message)
        backend, found = identities.iam(account), []
        for arn in arns:
            managed = backend.managed_policies.get(arn) if backend is not None else None
            if managed is None:
                raise _error("ValidationError", f"Policy {arn} does not exist or is not attachable.")
            found.append(identities.stored(identities.document(managed), arn, managed.name))
        if text:
            try:
                found.append(parse(text, name="session"))
            except MalformedPolicy as error:
                raise _error("MalformedPolicyDocument", str(error)) from None
        return tuple(found)

    def _policy_arns(self) -> list[str]:
        return [each["arn"] for each in self._get_param("PolicyArns", []) or [] if each.get("arn")]

    def _tags(self) -> dict[str, str]:
        given = self._get_param("Tags", []) or []
        if len(given) > TAGS:
            raise _error(
                "ValidationError",
                "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
            )
        return {tag["Key"]: tag["Value"] for tag in given}

    def _packed(self) -> int:
        """Return how much of the space for session policies is used, in percent."""
        return -(-len(self._get_param("Policy") or "") * 100 // POLICY_CHARACTERS)

    def _token(self, user: str, seconds: int, policies: tuple[Policy, ...] | None = None, name: str = "") -> Token:
        made = sessions.new_token(self.current_account, user, seconds, policies, name)
        self.backend.keep(made)
        return made


def _refused() -> Decision:
    return Decision(False, False, Layer.RESOURCE)


def _credentials(made: Session | Token) -> dict[str, Any]:
    assert made.expires is not None
    return {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret_key,
        "SessionToken": made.token,
        "Expiration": datetime.fromtimestamp(int(made.expires), UTC).replace(tzinfo=None),
    }


BACKENDS = sts_backends
RESPONSE = LocalTokenResponse
sts_backends.backend = LocalSTSBackend

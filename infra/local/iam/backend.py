"""AWS IAM where AWS differs from moto: AWS-managed policies are there, quotas hold, what is stored is a policy.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from moto.iam.models import AccessKey, AWSManagedPolicy, Group, IAMBackend, ManagedPolicy, Role, User, iam_backends

from infra.local.core import pages, state
from infra.local.core.records import RecordDict, as_records
from infra.local.core.refused import Refused
from infra.local.core.roles import identities, kinds
from infra.local.core.roles.policy import MalformedPolicy, Policy, parse
from infra.local.iam import aws_policies

BACKENDS = iam_backends
GROWING = ("users", "groups", "roles", "managed_policies", "access_keys", "instance_profiles")
MANAGED_CHARACTERS = 6144  # white space does not count in any of these
TRUST_CHARACTERS = 2048
INLINE_CHARACTERS = {"user": 2048, "group": 5120, "role": 10_240}  # of all inline policies of one together
ATTACHED = 10  # managed policies of one user, group or role


def no_such_entity(message: str) -> Refused:
    return Refused(404, "NoSuchEntity", message)


def place_of(marker: str | None) -> int:
    """The number of the first entry of a page. Raises Refused for a marker that no page gave."""
    try:
        return pages.first(marker)
    except ValueError:
        raise Refused(400, "ValidationError", "Invalid Marker.") from None


def limit_exceeded(message: str) -> Refused:
    return Refused(409, "LimitExceeded", message)


def checked(text: str, check: Callable[[Policy], None] = kinds.check_identity) -> str:
    """Return a document that is a policy, of the kind that is checked. Raises Refused."""
    try:
        check(parse(text))
    except MalformedPolicy as error:
        raise Refused(400, "MalformedPolicyDocument", str(error)) from None
    return text


def size(text: str) -> int:
    """Return a document's length as AWS counts it, in characters."""
    return len(re.sub(r"\s", "", text))


class LocalIAMBackend(IAMBackend):
    """`managed_policies` holds the account's own, and those of AWS's that were asked for."""

    def __init__(self, region_name: str, account_id: str, *given: Any, **more: Any):
        super().__init__(region_name, account_id, *given, **more)
        self._keep_rows()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_role_ids"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self._keep_rows()

    def _keep_rows(self) -> None:
        as_records(self, *GROWING)
        as_records(self.tagger, "tags")
        self._role_ids: dict[str, str] = {}  # as they were when a name was looked up

    # --- found by name, perhaps to be changed ---

    def get_role(self, role_name: str) -> Role:
        if role_name not in self._role_ids or self._role_ids[role_name] not in self.roles:
            self._role_ids = {role.name: number for number, role in self.roles.items()}
        found = self.roles.get(self._role_ids.get(role_name, ""))
        return found if found is not None else super().get_role(role_name)  # which says that there is none

    def list_roles(
        self, path_prefix: str | None = None, marker: str | None = None, max_items: int | None = None
    ) -> tuple[list[Role], str | None]:
        if path_prefix and path_prefix != "/":
            return super().list_roles(path_prefix, marker, max_items)
        numbers = self.roles.in_order()  # type: ignore[attr-defined]
        start = place_of(marker)
        end = start + int(max_items or 100)
        page = [dict.__getitem__(self.roles, number) for number in numbers[start:end]]
        return page, str(end) if len(numbers) > end else None

    def get_role_by_arn(self, arn: str) -> Role:
        return self.roles[super().get_role_by_arn(arn).id]

    def get_instance_profile(self, profile_name: str) -> Any:
        return self.instance_profiles[super().get_instance_profile(profile_name).name]

    def update_access_key(self, user_name: str, access_key_id: str, status: str | None = None) -> AccessKey:
        key = super().update_access_key(user_name, access_key_id, status)
        self.access_keys.get(access_key_id)
        return key

    def delete_user(self, user_name: str) -> None:
        """Delete a user who is in no group. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html"""
        user = self.get_user(user_name)
        if any(user in group.users for group in self.groups.values()):
            raise Refused(409, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
        super().delete_user(user_name)

    def update_user(self, user_name: str, new_path: str | None = None, new_user_name: str | None = None) -> None:
        super().update_user(user_name, new_path, new_user_name)
        user = self.users[new_user_name or user_name]
        for name, group in self.groups.items():
            if user in group.users:
                self.groups[name]  # its row names the user

    # --- policies ---

    def _look_up(self, arn: str) -> ManagedPolicy | None:
        if arn not in self.managed_policies and (found := aws_policies.find(arn)) is not None:
            name, content = found
            self.managed_policies[arn] = AWSManagedPolicy.from_data(name, self.account_id, self.region_name, content)
        return self.managed_policies.get(arn)

    def _attachable(self, arn: str, holder: Any, kind: str) -> None:
        if self._look_up(arn) is None:
            raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
        if arn not in holder.managed_policies and len(holder.managed_policies) >= ATTACHED:
            raise limit_exceeded(f"Cannot exceed quota for PoliciesPer{kind}: {ATTACHED}")

    def attach_role_policy(self, policy_arn: str, role_name: str) -> None:
        role = self.get_role(role_name)
        self._attachable(policy_arn, role, "Role")
        identities.changing(role)
        self._attach(policy_arn, role)

    def attach_user_policy(self, policy_arn: str, user_name: str) -> None:
        user = self.get_user(user_name)
        self._attachable(policy_arn, user, "User")
        self._attach(policy_arn, user)

    def attach_group_policy(self, policy_arn: str, group_name: str) -> None:
        group = self.get_group(group_name)
        self._attachable(policy_arn, group, "Group")
        self._attach(policy_arn, group)

    def _attach(self, policy_arn: str, holder: Role | User | Group) -> None:
        if policy_arn not in holder.managed_policies:
            self.managed_policies[policy_arn].attach_to(holder)

    def _detach(self, policy_arn: str, holder: Role | User | Group) -> None:
        policy = self.managed_policies.get(policy_arn)
        if policy is None or policy_arn not in holder.managed_policies:
            raise no_such_entity(f"Policy {policy_arn} was not found.")
        policy.detach_from(holder)

    def detach_user_policy(self, policy_arn: str, user_name: str) -> None:
        self._detach(policy_arn, self.get_user(user_name))

    def detach_group_policy(self, policy_arn: str, group_name: str) -> None:
        self._detach(policy_arn, self.get_group(group_name))

    def get_policy(self, policy_arn: str) -> ManagedPolicy:
        if self._look_up(policy_arn) is None:
            raise no_such_entity(f"Policy {policy_arn} was not found.")
        return super().get_policy(policy_arn)

    def list_policies(
        self, marker: str | None, max_items: int, only_attached: bool, path_prefix: str, scope: str
    ) -> tuple[Iterable[ManagedPolicy], str | None]:
        """Return a page in the order of the ARNs, the account's own policies first; what is not on it is not made."""
        listed: Iterable[Any] = self._known_policies(scope, only_attached)
        if scope != "Local" and not only_attached:
            listed = itertools.chain(listed, aws_policies.every())
        prefix, first = path_prefix or "/", place_of(marker)
        fitting = (each for each in listed if _path(each).startswith(prefix))
        page = list(itertools.islice(fitting, first, first + max_items + 1))
        more = str(first + max_items) if len(page) > max_items else None
        return [self._listed(each) for each in page[:max_items]], more

    def _known_policies(self, scope: str, only_attached: bool) -> Iterator[ManagedPolicy]:
        """Yield the account's own policies, and where only attached ones are asked for AWS's too, which are all known then."""
        for arn in self.managed_policies.in_order():  # type: ignore[attr-defined]
            policy = dict.__getitem__(self.managed_policies, arn)
            is_own = not isinstance(policy, AWSManagedPolicy)
            if only_attached:
                is_wanted = policy.attachment_count > 0 and scope in ("All", "Local" if is_own else "AWS")
            else:
                is_wanted = is_own and scope != "AWS"
            if is_wanted:
                yield policy

    def _listed(self, entry: Any) -> ManagedPolicy:
        """Return a policy of a list: itself, or one of AWS's by name and content."""
        if isinstance(entry, ManagedPolicy):
            return entry
        name, content = entry
        arn = f"{aws_policies.PREFIX}{content['Path'].strip('/')}/{name}".replace("policy//", "policy/")
        known = dict.get(self.managed_policies, arn)
        return known or AWSManagedPolicy.from_data(name, self.account_id, self.region_name, content)

    def create_policy(self, *given: Any, **more: Any) -> ManagedPolicy:
        document = more.get("policy_document", given[2] if len(given) > 2 else "")
        self._check_managed(document)
        return super().create_policy(*given, **more)

    def create_policy_version(self, policy_arn: str, policy_document: str, set_as_default: bool) -> Any:
        self._check_managed(policy_document)
        return super().create_policy_version(policy_arn, policy_document, set_as_default)

    def delete_policy(self, policy_arn: str) -> None:
        """Delete a policy that nobody has. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""
        arn = self.get_policy(policy_arn).arn
        holders = itertools.chain(self.roles.values(), self.users.values(), self.groups.values())
        if any(arn in holder.managed_policies for holder in holders):
            raise Refused(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
        super().delete_policy(policy_arn)

    def _check_managed(self, document: str) -> None:
        if size(checked(document)) > MANAGED_CHARACTERS:
            raise limit_exceeded(f"Cannot exceed quota for PolicySize: {MANAGED_CHARACTERS}")

    def create_role(self, role_name: str, assume_role_policy_document: str, *given: Any, **more: Any) -> Any:
        self._check_trust(assume_role_policy_document)
        role = super().create_role(role_name, assume_role_policy_document, *given, **more)
        self._role_ids[role_name] = role.id
        return role

    def update_assume_role_policy(self, role_name: str, policy_document: str) -> None:
        self._check_trust(policy_document)
        super().update_assume_role_policy(role_name, policy_document)

    def _check_trust(self, document: str) -> None:
        if size(checked(document, kinds.check_trust)) > TRUST_CHARACTERS:
            raise limit_exceeded(f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS}")

    def put_role_policy(self, role_name: str, policy_name: str, policy_json: str) -> None:
        role = self.get_role(role_name)
        _check_inline(role, "role", policy_name, policy_json)
        identities.changing(role)
        super().put_role_policy(role_name, policy_name, policy_json)

    def delete_role_policy(self, role_name: str, policy_name: str) -> None:
        identities.changing(self.get_role(role_name))
        super().delete_role_policy(role_name, policy_name)

    def detach_role_policy(self, policy_arn: str, role_name: str) -> None:
        role = self.get_role(role_name)
        identities.changing(role)
        self._detach(policy_arn, role)

    def put_user_policy(self, user_name: str, policy_name: str, policy_json: str) -> None:
        _check_inline(self.get_user(user_name), "user", policy_name, policy_json)
        super().put_user_policy(user_name, policy_name, policy_json)

    def put_group_policy(self, group_name: str, policy_name: str, policy_json: str) -> None:
        _check_inline(self.get_group(group_name), "group", policy_name, policy_json)
        super().put_group_policy(group_name, policy_name, policy_json)

    def put_role_permissions_boundary(self, role_name: str, permissions_boundary: str) -> None:
        self._check_boundary(permissions_boundary)
        super().put_role_permissions_boundary(role_name, permissions_boundary)

    def put_user_permissions_boundary(self, user_name: str, permissions_boundary: str) -> None:
        """Set a user's boundary; a session reads it with each request."""
        self._check_boundary(permissions_boundary)
        self.get_user(user_name).permissions_boundary_arn = permissions_boundary  # type: ignore[attr-defined]

    def delete_user_permissions_boundary(self, user_name: str) -> None:
        self.get_user(user_name).permissions_boundary_arn = None  # type: ignore[attr-defined]

    def _check_boundary(self, arn: str) -> None:
        if self._look_up(arn) is None:
            raise no_such_entity(f"Scope ARN: {arn} does not exist or is not attachable.")


def _check_inline(holder: Any, kind: str, name: str, document: str) -> None:
    others = sum(size(text) for other, text in holder.policies.items() if other != name)
    limit = INLINE_CHARACTERS[kind]
    if size(checked(document)) + others > limit:
        raise limit_exceeded(f"Maximum policy size of {limit} bytes exceeded for {kind} {holder.name}")


def _path(entry: Any) -> str:
    """Return the path of a policy, or of one of AWS's by name and content."""
    return str(entry.path if isinstance(entry, ManagedPolicy) else entry[1]["Path"])


def _backend(account: str) -> Any:
    return iam_backends[account]["aws"]


def _policy_row(policy: ManagedPolicy) -> tuple[RecordDict | None, str]:
    return _backend(policy.account_id).managed_policies, policy.arn


def _key_row(key: AccessKey) -> tuple[RecordDict | None, str]:
    return _backend(identities.account_in(key.access_key_id)).access_keys, key.access_key_id


iam_backends.backend = LocalIAMBackend
state.share(ManagedPolicy, _policy_row)
state.share(AWSManagedPolicy, _policy_row)
state.share(AccessKey, _key_row)
state.share(Role, lambda role: (_backend(role.account_id).roles, role.id))
state.share(User, lambda user: (_backend(user.account_id).users, user.name))

"""AWS Key Management Service: moto's keys, by their ARN too, and whether one can be used.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

from __future__ import annotations

from typing import Any

from moto.kms.models import KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

BACKENDS = kms_backends
RESPONSE = KmsResponse


class UnusableKey(Exception):
    """A key that cannot be used: KMS's code and message."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class LocalKmsBackend(KmsBackend):
    """Moto's, whose changes of a key's state know it by its id alone."""

    def enable_key(self, key_id: str) -> None:
        super().enable_key(self.get_key_id(key_id))

    def disable_key(self, key_id: str) -> None:
        super().disable_key(self.get_key_id(key_id))

    def schedule_key_deletion(self, key_id: str, pending_window_in_days: int) -> float:
        return super().schedule_key_deletion(self.get_key_id(key_id), pending_window_in_days)

    def cancel_key_deletion(self, key_id: str) -> None:
        super().cancel_key_deletion(self.get_key_id(key_id))


kms_backends.backend = LocalKmsBackend


def check_usable(name: str, account: str, region: str) -> None:
    """Check that a key is there and enabled.

    Parameters
    ----------
    name: its id, ARN, alias, or an alias's ARN
    account: where a name that is no ARN is looked up
    region: likewise

    Raises UnusableKey: NotFoundException, DisabledException, KMSInvalidStateException.
    """
    arn = name if name.startswith("arn:") else f"arn:aws:kms:{region}:{account}:{_resource(name)}"
    if arn.count(":") < 5:
        raise UnusableKey("NotFoundException", f"Invalid arn {arn}")
    _, _, _, region, account, resource = arn.split(":", 5)
    if resource.startswith("alias/aws/"):  # a service's own key, which nobody can disable
        return
    found = _find(account, region, resource)
    if found is None:
        missing = f"Alias {arn} is not found." if resource.startswith("alias/") else f"Key '{arn}' does not exist"
        raise UnusableKey("NotFoundException", missing)
    if found.key_state == "PendingDeletion":
        raise UnusableKey("KMSInvalidStateException", f"{found.arn} is pending deletion.")
    if found.key_state != "Enabled":
        raise UnusableKey("DisabledException", f"{found.arn} is disabled.")


def _find(account: str, region: str, resource: str) -> Any:
    """Return a key by `key/…` or `alias/…`, None where there is none."""
    if account not in kms_backends.keys():
        return None
    backend = kms_backends[account][region]
    alias = resource.startswith("alias/")
    return backend.keys.get(backend.get_key_id_from_alias(resource) if alias else resource.removeprefix("key/"))


def _resource(name: str) -> str:
    return name if name.startswith("alias/") else f"key/{name}"

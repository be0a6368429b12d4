"""What a request must be allowed to do: its actions, each on its resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Keys = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Request:
    """An operation with its parameters, as the service's model names them; of the query protocol the flat form's fields."""

    prefix: str  # of the service's actions
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str

    def get(self, *names: str) -> str:
        """Return the first of these members that is a text or a whole number; `A.B` is a member of a member.

        Parameters
        ----------
        names: tried in this order
        """
        for name in names:
            value: Any = self.parameters
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if isinstance(value, str | int) and not isinstance(value, bool) and value:
                return str(value)
        return ""

    def arn(self, resource: str, region: str | None = None) -> str:
        """Return an ARN of this service in the caller's account and region.

        Parameters
        ----------
        resource: what stands behind the account, as `table/d/t`
        region: the caller's without it, "" for ARNs that have none
        """
        return f"arn:aws:{self.prefix}:{self.region if region is None else region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Check:
    """One action on one resource that must be allowed.

    Attributes
    ----------
    other_form: another ARN of the same resource: to allow one of them is enough
    keys: keys of the request for conditions, in small letters
    """

    action: str
    resource: str = "*"
    keys: Keys = field(default_factory=dict)
    other_form: str = ""

"""What a denial says.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from infra.local.core.roles.evaluation import Ask, Decision, Layer

_REASONS = {
    Layer.IDENTITY: "because no identity-based policy allows the {action} action",
    Layer.RESOURCE: "because no resource-based policy allows the {action} action",
    Layer.BOUNDARY: "because no permissions boundary allows the {action} action",
    Layer.SESSION: "because no session policy allows the {action} action",
}
_ARTICLE = {Layer.IDENTITY: "an", Layer.RESOURCE: "a", Layer.BOUNDARY: "a", Layer.SESSION: "a"}
_SILENT = {"sts:AssumeRole"}  # a trust policy's refusal gives no reason


class Denied(Exception):
    """A principal may not do this; the message is AWS's sentence."""

    def __init__(self, ask: Ask, decision: Decision):
        super().__init__(sentence(ask, decision))
        self.ask, self.decision = ask, decision


def sentence(ask: Ask, decision: Decision, quoted: bool = False) -> str:
    """Return AWS's sentence about a denial.

    Parameters
    ----------
    quoted: the resource stands in quotation marks, as S3 writes it
    """
    told = f"User: {ask.principal.arn} is not authorized to perform: {ask.action}"
    if ask.resource != "*":
        told += f' on resource: "{ask.resource}"' if quoted else f" on resource: {ask.resource}"
    reason = _reason(ask, decision)
    return f"{told} {reason}" if reason else told


def _reason(ask: Ask, decision: Decision) -> str:
    if not decision.explicit:
        if ask.action in _SILENT and decision.layer is Layer.RESOURCE:
            return ""
        return _REASONS[decision.layer].format(action=ask.action)
    told = f"with an explicit deny in {_ARTICLE[decision.layer]} {decision.layer.value}"
    named = decision.policy is not None and decision.policy.arn and decision.layer is not Layer.RESOURCE
    return f"{told}: {decision.policy.arn}" if named and decision.policy else told

"""What must be there for a delivery stream: roles that Firehose may assume, and a source that it may read."""

from __future__ import annotations

from typing import Any

from moto.firehose.exceptions import InvalidArgumentException
from moto.kinesis.exceptions import ResourceNotFoundError

from infra.local import kinesis
from infra.local.core import roles, state
from infra.local.firehose.destination import refuse


def check_source(
    account: str, region: str, kind: str, source: dict[str, Any] | None, encryption: dict[str, Any] | None
) -> None:
    """Check the type of a new stream with what it needs. Raises InvalidArgumentException.

    Parameters
    ----------
    kind: DeliveryStreamType
    source: KinesisStreamSourceConfiguration
    encryption: DeliveryStreamEncryptionConfigurationInput
    """
    if kind in ("MSKAsSource", "DatabaseAsSource"):
        raise refuse(f"the type {kind}", "DeliveryStreamType")
    if kind != "KinesisStreamAsSource":
        if source:
            raise InvalidArgumentException(
                "KinesisSourceStreamConfig is only applicable for KinesisStreamAsSource stream type"
            )
        return
    if not source:
        raise InvalidArgumentException(
            "KinesisStreamSourceConfiguration is required for KinesisStreamAsSource delivery stream type."
        )
    if encryption:
        raise InvalidArgumentException(
            "DeliveryStreamEncryptionConfigurationInput is not applicable for KinesisStreamAsSource delivery stream type: "
            "switch encryption on for the Kinesis stream."
        )
    arn = source["KinesisStreamARN"]
    _, _, _, its_region, its_account, _ = arn.split(":", 5)
    try:
        if (its_account, its_region) != (account, region):
            raise ResourceNotFoundError(arn)
        with state.lock("kinesis", account):
            kinesis.stream(account, region, arn)
    except ResourceNotFoundError:
        raise InvalidArgumentException(
            f"Kinesis stream {arn} was not found. Verify that it exists in this account and region."
        ) from None
    role = assume(account, source["RoleARN"])
    if not roles.is_allowed(role, region, "kinesis:DescribeStream", arn):
        raise InvalidArgumentException(
            f"Role {source['RoleARN']} is not authorized to perform: kinesis:DescribeStream on resource {arn}."
        )


def assume(account: str, role: str, source_arn: str = "") -> roles.Session:
    """Return the credentials with which Firehose acts as a role. Raises InvalidArgumentException."""
    try:
        return roles.session(account, role, "firehose", source_arn=source_arn)
    except roles.CannotAssume:
        raise InvalidArgumentException(
            f"Firehose is unable to assume role {role}. Please check the role provided."
        ) from None

"""What a delivery stream tells: metrics, and lines in its error log.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html and monitoring-with-cloudwatch-logs.html
"""

from __future__ import annotations

from typing import Any

import orjson
from moto.firehose.models import DeliveryStream

from infra.local.core import roles, telemetry
from infra.local.firehose.destination import settings_of


class Teller:
    """Tells for one delivery stream."""

    def __init__(self, account: str, region: str, stream: DeliveryStream):
        self.account, self.region, self.stream = account, region, stream

    def session(self, role: str = "") -> roles.Session:
        """Return Firehose's credentials of a role ("" for the destination's), for one piece of work. Raises roles.CannotAssume."""
        wanted = role or settings_of(self.stream)["RoleARN"]
        return roles.session(self.account, wanted, "firehose", source_arn=self.stream.delivery_stream_arn)

    def metric(self, values: dict[str, tuple[float, str]]) -> None:
        """Add a sample to metrics of the delivery stream: name → (value, unit)."""
        dimensions = {"DeliveryStreamName": self.stream.delivery_stream_name}
        telemetry.metric(self.account, self.region, "AWS/Firehose", dimensions, values)

    def error(
        self, code: str, message: str, destination: str, processor: str = "", settings: dict[str, Any] | None = None
    ) -> None:
        """Write a line to the error log, if there is one and the role may.

        Parameters
        ----------
        settings: of the destination, or its backup, that names log and role; the stream's destination if not given
        """
        settings = settings_of(self.stream) if settings is None else settings
        options = settings["CloudWatchLoggingOptions"]
        if not options.get("Enabled"):
            return
        if not self._may_log(settings["RoleARN"], options["LogGroupName"], options["LogStreamName"]):
            return
        line = {
            "deliveryStreamARN": self.stream.delivery_stream_arn,
            "destination": destination,
            "deliveryStreamVersionId": int(self.stream.version_id),
            "message": message,
            "errorCode": code,
        }
        if processor:
            line["processor"] = processor
        group, stream = options["LogGroupName"], options["LogStreamName"]
        telemetry.log(self.account, self.region, group, stream, [orjson.dumps(line).decode()])

    def _may_log(self, role: str, group: str, stream: str) -> bool:
        arn = f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}:log-stream:{stream}"
        try:
            session = self.session(role)
        except roles.CannotAssume:
            return True  # what Firehose says about that, it says as itself
        return roles.is_allowed(session, self.region, "logs:PutLogEvents", arn)

"""AWS Lambda: functions, versions, aliases and layers are moto's; here they can be saved, and what would run a function is refused.

moto runs functions in Docker, which the local AWS does not use.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping, LambdaBackend, LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse

log = logging.getLogger("workshop.lambda")

BACKENDS = lambda_backends
RESPONSE = LambdaResponse


class NotRun(LambdaClientError):
    code = 501

    def __init__(self, function: str):
        super().__init__("NotImplemented", f"The local AWS does not run Lambda functions: {function}")


class LocalFunction(LambdaFunction):
    def __getstate__(self) -> dict[str, Any]:
        """Without the whole backend of CloudWatch Logs, which moto keeps for the output of runs."""
        return {name: value for name, value in super().__getstate__().items() if name != "logs_backend"}

    def _invoke_lambda(self, event: str | None = None) -> tuple[str, bool, str]:
        raise NotRun(self.function_name)


class LocalLambdaBackend(LambdaBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self._lambdas._aliases = defaultdict(dict)  # moto's cannot be pickled

    def create_event_source_mapping(self, spec: dict[str, Any]) -> EventSourceMapping:
        raise NotRun(spec.get("FunctionName", ""))

    def send_sns_message(self, function_name: str, *_: Any, **__: Any) -> None:
        """The publisher is not told, as on AWS, where functions are called later."""
        log.warning("a message of SNS was not delivered: %s", NotRun(function_name).message)

    def send_log_event(self, function_arn: str, *_: Any, **__: Any) -> None:
        log.warning("log lines were not delivered: %s", NotRun(function_arn).message)


models.LambdaFunction = LocalFunction
lambda_backends.backend = LocalLambdaBackend

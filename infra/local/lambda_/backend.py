"""What is kept of AWS Lambda in one account and region, and how functions are found by name, ARN and qualifier."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.core.resource_tagging import TaggedResource

from infra.local.core.records import as_records
from infra.local.lambda_ import records
from infra.local.lambda_.errors import LambdaError, invalid, missing
from infra.local.lambda_.records import LATEST, Function, Layer, Version

log = logging.getLogger("workshop.lambda")

ARN = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:|(?P<partial>\d{12}):(?:function:)?)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
BACKENDS = lambda_backends


class LocalFunction:
    """What an older lake kept of a function, which could not run; it is read and left out."""


class LocalLambdaBackend(LambdaBackend):
    """moto's own members are not used: its models cannot run a function without Docker."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.functions: dict[str, Function] = {}
        as_records(self, "functions")
        self.layers: dict[str, Layer] = {}
        self.mappings: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        kept = ("region_name", "account_id", "functions", "layers", "mappings")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__init__(kept["region_name"], kept["account_id"])  # type: ignore[misc]
        if "functions" in kept:
            self.__dict__.update(kept)
            as_records(self, "functions")  # plain in lakes of before
        else:
            log.warning("the functions of this older lake could not run and are left out: create them again")

    @property
    def prefix(self) -> str:
        return f"arn:aws:lambda:{self.region_name}:{self.account_id}:"

    def arn(self, name: str, qualifier: str = "") -> str:
        return f"{self.prefix}function:{name}" + (f":{qualifier}" if qualifier else "")

    # --- finding ----------------------------------------------------------------------------------------------------

    def named(self, given: str, qualifier: str | None = None) -> tuple[str, str]:
        """Return name and qualifier ("" without) of a function's name, partial or full ARN. Raises LambdaError."""
        found = ARN.fullmatch(given)
        if not found:
            raise invalid(f"Value '{given}' at 'functionName' failed to satisfy constraint")
        account = found["account"] or found["partial"]
        if account and account != self.account_id or found["region"] and found["region"] != self.region_name:
            raise missing(f"Function not found: {given}")
        inner = found["qualifier"] or ""
        if inner and qualifier and inner != qualifier:
            raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
        return found["name"], inner or qualifier or ""

    def function(self, given: str, qualifier: str | None = None) -> tuple[Function, str]:
        """Return a function and the asked qualifier. Raises LambdaError when there is no such function."""
        name, asked = self.named(given, qualifier)
        function = self.functions.get(name)
        if function is None:
            raise missing(f"Function not found: {self.arn(name, asked)}")
        for version in (function.latest, *function.versions.values()):
            version.settle()
        return function, asked

    def version(self, given: str, qualifier: str | None = None) -> tuple[Function, Version, str]:
        """Return function, version and qualifier; of an alias with weights its first version."""
        function, asked = self.function(given, qualifier)
        alias = function.aliases.get(asked)
        version = function.version(alias.version if alias else asked)
        if version is None:
            raise missing(f"Function not found: {self.arn(function.name, asked)}")
        return function, version, asked

    def unqualified(self, given: str) -> Function:
        """Return a function for an operation that takes no qualifier."""
        function, asked = self.function(given)
        if asked and asked != LATEST:
            raise invalid("This operation does not accept a function qualifier.")
        return function

    # --- what moto's other services call ----------------------------------------------------------------------------

    def list_functions(self, func_version: str | None = None) -> Any:
        return []

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        for function in self.functions.values():
            yield TaggedResource(arn=function.arn, tags=function.tags, resource_type="lambda:function")

    def tagged(self, arn: str) -> dict[str, str]:
        """Return the tags of a function or a mapping, to read and change. Raises LambdaError."""
        if ":event-source-mapping:" in arn:
            mapping = self.mappings.get(arn.rpartition(":")[2])
            if mapping is None:
                raise missing("The resource you requested does not exist.")
            return mapping.tags
        if not arn.startswith(self.prefix + "function:"):
            raise invalid(f"1 validation error detected: Value '{arn}' at 'resource' failed to satisfy constraint")
        return self.unqualified(arn).tags

    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        own = self.tagged(resource_arn)
        if len({**own, **tags}) > 50:
            raise invalid("Number of tags exceeds resource tag limit.")
        own.update(tags)

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        own = self.tagged(resource_arn)
        for key in tag_keys:
            own.pop(key, None)

    def send_sns_message(
        self, function_name: str, message: str, subject: str | None = None, qualifier: str | None = None
    ) -> None:
        """The publisher is not told of a failure, as on AWS, where functions are called later."""
        from infra.local.lambda_ import asynchronous

        sns = {"Type": "Notification", "MessageId": records.new_id(), "Subject": subject, "Message": message}
        event = {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}
        self._accept(asynchronous, function_name, qualifier, event)

    def send_log_event(
        self, function_arn: str, filter_name: str, log_group_name: str, log_stream_name: str, log_events: Any
    ) -> None:
        import base64
        import gzip

        from infra.local.lambda_ import asynchronous

        data = {
            "messageType": "DATA_MESSAGE",
            "owner": self.account_id,
            "logGroup": log_group_name,
            "logStream": log_stream_name,
            "subscriptionFilters": [filter_name],
            "logEvents": log_events,
        }
        packed = base64.b64encode(gzip.compress(json.dumps(data, separators=(",", ":")).encode())).decode()
        self._accept(asynchronous, function_arn, None, {"awslogs": {"data": packed}})

    def _accept(self, asynchronous: Any, function: str, qualifier: str | None, event: dict[str, Any]) -> None:
        try:
            asynchronous.accept(self, function, qualifier, json.dumps(event).encode())
        except LambdaError as error:
            log.warning("%s was not called: %s", function, error)


lambda_backends.backend = LocalLambdaBackend


def of(account: str, region: str) -> LocalLambdaBackend:
    """Return the backend of an account and region."""
    return lambda_backends[account][region]  # type: ignore[return-value]

"""Amazon EventBridge: buses, rules and targets are moto's; what a target gets is corrected here.

A disabled rule sends nothing, a target gets the whole event or what its Input, InputPath or InputTransformer makes of it, and a target that fails
(or that the local AWS does not have) is logged and does not stop the others.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from moto.events import models
from moto.events.models import Rule, events_backends
from moto.events.responses import EventsHandler
from moto.events.utils import EventTemplateParser

log = logging.getLogger("workshop.events")

BACKENDS = events_backends
RESPONSE = EventsHandler

EventTemplateParser.DEFAULT_EVENT_INPUT_TEMPLATE = (  # moto's leaves out the account
    '{"version": "0", "id": "<id>", "detail-type": "<detail-type>", "source": "<source>", "account": "<account>", "time": <time>, '
    '"region": "<region>", "resources": <resources>, "detail": <detail>}'
)


class LocalRule(Rule):
    def send_to_targets(self, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED":
            return
        for target in self.targets:
            alone = copy.copy(self)
            alone.targets = [_with_template(target)]
            try:
                super(LocalRule, alone).send_to_targets(original_event, transform_input)
            except NotImplementedError:
                log.warning("rule %s: the local AWS sends no events to %s", self.name, target["Arn"])
            except Exception as error:
                log.warning("rule %s to %s: %s: %s", self.name, target["Arn"], type(error).__name__, error)


def _with_template(target: dict[str, Any]) -> dict[str, Any]:
    """Return a target with its Input or InputPath as the InputTransformer that does the same: moto knows only that."""
    if "Input" in target:
        return {**target, "InputTransformer": {"InputTemplate": target["Input"]}}
    if "InputPath" in target:
        transformer = {"InputPathsMap": {"part": target["InputPath"]}, "InputTemplate": "<part>"}
        return {**target, "InputTransformer": transformer}
    return target


models.Rule = LocalRule

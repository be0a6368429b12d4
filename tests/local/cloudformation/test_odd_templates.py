"""Whatever stands in a template, it is refused in words, or it is taken: nothing else may happen."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.cloudformation import schema
from infra.local.cloudformation.stack import template_of
from infra.local.cloudformation.templates import dynamic_references, extensions
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.parameters import declared_parameters, parameter_values
from infra.local.cloudformation.templates.reading import TemplateError, read
from infra.local.cloudformation.templates.references import UNKNOWN

PSEUDO = {"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::StackName": "s", "AWS::StackId": "i"}
TEMPLATE = """
Transform: AWS::LanguageExtensions
Parameters:
  P: {Type: String, Default: a-b, AllowedPattern: ".*", MinLength: 1, AllowedValues: [a-b]}
  L: {Type: CommaDelimitedList, Default: "x,y"}
  N: {Type: Number, Default: 3, MinValue: 1, MaxValue: 9}
Mappings: {M: {k: {v: "1", w: [a, b]}}}
Conditions:
  C: !Equals [!Select [0, !Split ["-", !Ref P]], a]
  D: !And [!Condition C, !Not [!Condition C]]
Resources:
  Q:
    Type: AWS::SQS::Queue
    Condition: C
    DependsOn: [T]
    DeletionPolicy: Retain
    Properties:
      QueueName: !Join ["-", [a, !Ref P]]
      VisibilityTimeout: !FindInMap [M, k, v]
      Tags: [{Key: k, Value: !Sub ["${P}-${X}", {X: !Select ["1", !Ref L]}]}]
  T:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !If [C, a, !Ref "AWS::NoValue"]
      Subscription: [{Protocol: sqs, Endpoint: !Select [0, !Cidr [10.0.0.0/16, 2, 8]]}]
  X:
    Type: Custom::X
    Properties: {ServiceToken: !Ref T, J: !ToJsonString {a: [1, !Ref P]}, Len: !Length {Ref: L}, Z: !GetAZs "", S: "{{resolve:ssm:/a:1}}"}
  Fn::ForEach::F: [I, !Ref L, {"G${I}": {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: "/x/${I}", RetentionInDays: 7}}}]
Outputs:
  O: {Value: !GetAtt T.TopicArn, Export: {Name: !Sub "${AWS::StackName}-o"}, Condition: C}
  I: {Value: !ImportValue {"Fn::Sub": "e-${P}"}}
"""
ODD: list[Any] = [
    None, 1, -1, 1.5, True, "", "x", [], {}, [1], [[]], [None], "${", "${P}", "a" * 300, 10**30,
    {"Ref": []}, {"Ref": 1}, {"Ref": "P"}, {"Ref": "T"}, {"Ref": "nothing"}, {"Condition": "C"}, {"Condition": []},
    {"Fn::If": []}, {"Fn::If": [{}, 1, 2]}, {"Fn::GetAtt": 1}, {"Fn::GetAtt": [[], "a"]}, {"Fn::GetAtt": ["T", {"Ref": "P"}]},
    {"Fn::Sub": 1}, {"Fn::Sub": ["${P}", []]}, {"Fn::Join": 1}, {"Fn::Join": ["", {"Ref": "P"}]}, {"Fn::Split": ["", ""]},
    {"Fn::Select": [{}, []]}, {"Fn::Select": [5, ["a"]]}, {"Fn::FindInMap": [[], {}, "a"]}, {"Fn::Cidr": ["10.0.0.0/8", {}, []]},
    {"Fn::Base64": []}, {"Fn::ImportValue": []}, {"Fn::Length": 1}, {"Fn::ToJsonString": "x"}, {"Fn::Nothing": 1},
    {"Fn::Equals": [[], {}]}, {"Fn::And": []}, {"Fn::Not": 1}, "{{resolve:ssm:}}", "{{resolve:ssm-secure:a}}",
    "{{resolve:secretsmanager:arn:a}}", "{{resolve:x}}",
]  # fmt: skip


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, key)
        yield from places(item, (*place, key))


def looked_at(body: dict[str, Any]) -> None:
    """Do all that a stack operation does with a template before anything is made. Raises TemplateError."""
    values = parameter_values(declared_parameters(body), [])
    if extensions.has_loops(body):
        body = extensions.written_out(body, values)
    template = template_of(json.dumps(body))
    template.capabilities()
    for known in (UNKNOWN, "known"):
        evaluation = Evaluation(template, values, PSEUDO, lambda *_, known=known: known, lambda _: "imported")
        for name in evaluation.active():
            properties = evaluation.properties(name)
            dynamic_references.check(template.resources[name]["Type"], properties)
            schema.check(template.resources[name]["Type"], name, properties)
        evaluation.outputs()


def test_the_template_itself_is_good() -> None:
    looked_at(read(TEMPLATE))


@pytest.mark.parametrize("seed", range(8))
def test_odd_values_anywhere(seed: int) -> None:
    chance, refused = random.Random(seed), 0
    for _ in range(60):
        body = copy.deepcopy(read(TEMPLATE))
        place = chance.choice(list(places(body)))
        holder = body
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = copy.deepcopy(chance.choice(ODD))
        try:
            looked_at(body)
        except TemplateError as error:
            assert str(error)
            refused += 1
    assert refused > 10

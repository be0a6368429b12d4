"""What functions of templates give and where they may stand, without a server.

Expected values are from the examples of the CloudFormation user guide, or worked out by hand.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.cloudformation.stack import template_of
from infra.local.cloudformation.templates import extensions
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.parameters import kind_of, parameter_values
from infra.local.cloudformation.templates.reading import TemplateError, read

PSEUDO = {"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::StackName": "s"}
EXTENSIONS = "AWS::LanguageExtensions"


def evaluated(template: dict[str, Any], given: dict[str, str] | None = None) -> Evaluation:
    """Return the evaluation of a template; one without resources gets one."""
    body = {"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, **template}
    values = parameter_values(
        body.get("Parameters", {}), [{"ParameterKey": k, "ParameterValue": v} for k, v in (given or {}).items()]
    )
    if extensions.has_loops(body):
        body = extensions.written_out(body, values)
    made = template_of(json.dumps(body))
    return Evaluation(made, values, PSEUDO, lambda name, attribute: f"{name}.{attribute}", lambda name: name)


def output(value: Any, given: dict[str, str] | None = None, **sections: Any) -> str:
    evaluation = evaluated({**sections, "Outputs": {"O": {"Value": value}}}, given)
    return str(evaluation.outputs()["O"]["Value"])


def refusal(template: dict[str, Any], given: dict[str, str] | None = None) -> str:
    with pytest.raises(TemplateError) as error:
        evaluated(template, given).outputs()
    return str(error.value)


ZONE = {"Zone": {"Type": "String", "Default": "a-prod-1"}, "Names": {"Type": "CommaDelimitedList", "Default": "x, y"}}
MAP = {"Stages": {"prod": {"size": "3", "names": ["p", "q"]}, "test": {"size": "1"}}}


@pytest.mark.parametrize(
    "left",
    [
        {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "Zone"}]}]},
        {"Fn::Select": ["1", {"Fn::Split": ["-", {"Fn::Sub": "b-${Word}-c"}]}]},
        {"Fn::Join": ["", ["pr", {"Ref": "Half"}]]},
        {"Fn::Join": ["o", {"Fn::Split": ["-", "pr-d"]}]},
        {"Fn::FindInMap": ["Words", {"Ref": "Half"}, "whole"]},
        {"Fn::Select": [0, {"Fn::FindInMap": ["Words", "od", "list"]}]},
        {"Fn::Sub": ["${A}od", {"A": {"Fn::Select": [0, {"Fn::Split": [".", "pr.x"]}]}}]},
    ],
)
def test_conditions_take_functions_of_texts(left: Any) -> None:
    sections = {
        "Parameters": {
            **ZONE,
            "Half": {"Type": "String", "Default": "od"},
            "Word": {"Type": "String", "Default": "prod"},
        },
        "Mappings": {"Words": {"od": {"whole": "prod", "list": ["prod", "x"]}}},
        "Conditions": {"Prod": {"Fn::Equals": [left, "prod"]}, "Not": {"Fn::Not": [{"Condition": "Prod"}]}},
    }
    assert output({"Fn::If": ["Prod", "yes", "no"]}, **sections) == "yes"
    assert output({"Fn::If": ["Not", "yes", "no"]}, **sections) == "no"


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"Fn::Equals": [{"Fn::ImportValue": "a"}, "b"]}, "Template error: Cannot use Fn::ImportValue in Conditions."),
        ({"Fn::Equals": [{"Fn::GetAtt": ["H", "Id"]}, "b"]}, "Template error: Cannot use Fn::GetAtt in Conditions."),
        ({"Fn::Equals": [{"Fn::Base64": "a"}, "b"]}, "Template error: Cannot use Fn::Base64 in Conditions."),
        ({"Fn::Equals": [{"Ref": "Names"}, "b"]}, "requires a list of 2 string parameters"),
        ({"Fn::Equals": [{"Ref": "H"}, "b"]}, "Cannot reference resources in the Conditions block of the template"),
        ({"Ref": "Zone"}, "Conditions can only be boolean operations on parameters and other conditions"),
    ],
)
def test_conditions_that_are_refused(condition: Any, message: str) -> None:
    template = {"Parameters": ZONE, "Conditions": {"C": condition}, "Outputs": {"O": {"Condition": "C", "Value": "a"}}}
    assert message in refusal(template)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ["192.168.0.0/24", 6, 5],
            "192.168.0.0/27 192.168.0.32/27 192.168.0.64/27 192.168.0.96/27 192.168.0.128/27 192.168.0.160/27",
        ),
        (["10.0.0.0/16", "2", "8"], "10.0.0.0/24 10.0.1.0/24"),
        (["10.0.0.0/16", 1], "10.0.0.0/24"),
        (["2001:db8::/56", 2, 64], "2001:db8::/64 2001:db8:0:1::/64"),
    ],
)
def test_cidr(given: list[Any], expected: str) -> None:
    assert output({"Fn::Join": [" ", {"Fn::Cidr": given}]}) == expected


@pytest.mark.parametrize(
    "given",
    [["10.0.0.0/16", 257, 8], ["10.0.0.0/30", 2, 4], ["nonsense", 1, 8], ["10.0.0.0/16"], ["10.0.0.0/24", 9, 5]],
)
def test_cidr_that_is_refused(given: list[Any]) -> None:
    assert "Fn::Cidr" in refusal({"Outputs": {"O": {"Value": {"Fn::Select": [0, {"Fn::Cidr": given}]}}}})


def test_zones_of_a_region() -> None:
    assert output({"Fn::Join": [",", {"Fn::GetAZs": ""}]}) == "eu-west-1a,eu-west-1b,eu-west-1c"
    assert output({"Fn::Select": [5, {"Fn::GetAZs": "us-east-1"}]}) == "us-east-1f"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Length": [1, 2]}, "Encountered unsupported function: Fn::Length"),
        ({"Fn::Transform": {"Name": "M"}}, "Encountered unsupported function: Fn::Transform"),
        (
            {"Fn::FindInMap": ["Stages", {"Fn::Sub": "prod"}, "size"]},
            "every Fn::FindInMap object requires three parameters",
        ),
        ({"Fn::FindInMap": ["Stages", "none", "size"]}, "Unable to get mapping for Stages::none::size"),
        ({"Fn::Join": [{"Ref": "Zone"}, ["a"]]}, "Fn::Join takes a string as its delimiter"),
        (
            {"Fn::ImportValue": {"Fn::GetAtt": ["H", "Id"]}},
            "must not depend on any resources, imported values, or Fn::GetAZs",
        ),
        ({"Fn::Equals": ["a", "b"]}, "Fn::Equals is not allowed"),
    ],
)
def test_functions_in_the_wrong_place(value: Any, message: str) -> None:
    assert message in refusal({"Parameters": ZONE, "Mappings": MAP, "Outputs": {"O": {"Value": value}}})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::Length": {"Ref": "Names"}}, "2"),
        ({"Fn::Length": {"Fn::Split": ["|", "a|b|c"]}}, "3"),
        ({"Fn::ToJsonString": {"a": {"Ref": "Zone"}, "b": [1, True]}}, '{"a":"a-prod-1","b":[1,true]}'),
        ({"Fn::FindInMap": ["Stages", "none", "size", {"DefaultValue": {"Ref": "Zone"}}]}, "a-prod-1"),
        ({"Fn::FindInMap": ["Stages", {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "Zone"}]}]}, "size"]}, "3"),
    ],
)
def test_language_extensions(value: Any, expected: str) -> None:
    assert output(value, Transform=EXTENSIONS, Parameters=ZONE, Mappings=MAP) == expected


def test_loops_are_written_out() -> None:
    template = {
        "Transform": [EXTENSIONS],
        "Parameters": ZONE,
        "Resources": {
            "Fn::ForEach::Queues": [
                "Name",
                {"Ref": "Names"},
                {
                    "Queue${Name}": {
                        "Type": "AWS::SQS::Queue",
                        "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-${Name}"}},
                    }
                },
            ],
            "Fn::ForEach::Groups": [
                "Path",
                ["/a/b", "/c"],
                {"Group&{Path}": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "Path"}}}},
            ],
        },
        "Outputs": {
            "Fn::ForEach::All": [
                "Name",
                {"Ref": "Names"},
                {
                    "Fn::ForEach::Inner": [
                        "What",
                        ["Arn", "QueueName"],
                        {"${Name}${What}": {"Value": {"Fn::GetAtt": ["Queue${Name}", "${What}"]}}},
                    ]
                },
            ]
        },
    }
    evaluation = evaluated(template)
    assert sorted(evaluation.active()) == ["Groupab", "Groupc", "Queuex", "Queuey"]
    assert evaluation.properties("Queuex") == {"QueueName": "s-x"}
    assert evaluation.properties("Groupab") == {"LogGroupName": "/a/b"}
    assert sorted(evaluation.outputs()) == ["xArn", "xQueueName", "yArn", "yQueueName"]
    assert sorted(evaluated(template, {"Names": "one"}).outputs()) == ["oneArn", "oneQueueName"]


@pytest.mark.parametrize(
    "loop",
    [
        ["X", ["a"]],
        ["Zone", ["a"], {}],
        ["X", {"Ref": "Nothing"}, {}],
        ["X", "text", {}],
        ["X", ["a", "b"], {"Same": {}}],
    ],
)
def test_loops_that_are_refused(loop: Any) -> None:
    assert refusal({"Transform": EXTENSIONS, "Parameters": ZONE, "Outputs": {"Fn::ForEach::L": loop}})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AWS::SSM::Parameter::Value<String>", ("String", False, True)),
        ("AWS::SSM::Parameter::Value<List<String>>", ("String", True, True)),
        ("AWS::SSM::Parameter::Value<CommaDelimitedList>", ("String", True, True)),
        ("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", ("String", False, True)),
        ("AWS::SSM::Parameter::Name", ("AWS::SSM::Parameter::Name", False, False)),
        ("List<Number>", ("Number", True, False)),
    ],
)
def test_types_of_parameters(name: str, expected: tuple[str, bool, bool]) -> None:
    assert tuple(kind_of(name)) == expected


@pytest.mark.parametrize(
    "name", ["SecureString", "AWS::EC2::VPC::Id", "AWS::SSM::Parameter::Value<SecureString>", "List<Map>"]
)
def test_types_of_parameters_that_are_refused(name: str) -> None:
    with pytest.raises(TemplateError):
        kind_of(name)


def test_short_forms_are_read() -> None:
    body = read("A: !Join [',', !Split ['-', !Ref X]]\nB: !GetAtt Q.Arn\nC: !Cidr [a, 2, 3]\nD: !GetAZs ''\n")
    assert body["A"] == {"Fn::Join": [",", {"Fn::Split": ["-", {"Ref": "X"}]}]}
    assert (body["B"], body["C"], body["D"]) == (
        {"Fn::GetAtt": ["Q", "Arn"]},
        {"Fn::Cidr": ["a", 2, 3]},
        {"Fn::GetAZs": ""},
    )

"""DataBrew's six resource types in a stack: made, changed, deleted, each by the service's own API."""

import json

import pytest

from tests.local.databrew.brew_lab import BrewLab

ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "databrew.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def template(bucket, value="0", hour="3"):
    """A stack with all of them; what refers to what is what CloudFormation must find out."""
    rule = {
        "Name": "known",
        "CheckExpression": ":col > :val",
        "SubstitutionMap": [
            {"ValueReference": ":col", "Value": "`track_id`"},
            {"ValueReference": ":val", "Value": value},
        ],
    }
    parameter = {
        "PathParameterName": "day",
        "DatasetParameter": {
            "Name": "day",
            "Type": "String",
            "CreateColumn": True,
            "Filter": {"Expression": "starts_with :a", "ValuesMap": [{"ValueReference": ":a", "Value": "2026"}]},
        },
    }
    resources = {
        "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        "Events": (
            "AWS::DataBrew::Dataset",
            {"Name": "events", "Input": {"DataCatalogInputDefinition": {"DatabaseName": "lake", "TableName": "raw"}}},
        ),
        "Files": (
            "AWS::DataBrew::Dataset",
            {
                "Name": "files",
                "Format": "CSV",
                "Input": {"S3InputDefinition": {"Bucket": bucket, "Key": "in/{day}.csv"}},
                "PathOptions": {"Parameters": [parameter], "FilesLimit": {"MaxFiles": 3}},
            },
        ),
        "Recipe": (
            "AWS::DataBrew::Recipe",
            {
                "Name": "recipe",
                "Steps": [{"Action": {"Operation": "UPPER_CASE", "Parameters": {"SourceColumn": "uuid"}}}],
            },
        ),
        "Project": (
            "AWS::DataBrew::Project",
            {"Name": "project", "DatasetName": {"Ref": "Events"}, "RecipeName": {"Ref": "Recipe"}, "RoleArn": ROLE},
        ),
        "Rules": (
            "AWS::DataBrew::Ruleset",
            {
                "Name": "rules",
                "Rules": [rule],
                "TargetArn": {"Fn::Sub": "arn:aws:databrew:${AWS::Region}:${AWS::AccountId}:dataset/${Events}"},
            },
        ),
        "Profile": (
            "AWS::DataBrew::Job",
            {
                "Name": "profile",
                "Type": "PROFILE",
                "DatasetName": {"Ref": "Events"},
                "RoleArn": ROLE,
                "OutputLocation": {"Bucket": bucket},
            },
        ),
        "Schedule": (
            "AWS::DataBrew::Schedule",
            {"Name": "nightly", "CronExpression": f"Cron(0 {hour} * * ? *)", "JobNames": [{"Ref": "Profile"}]},
        ),
    }
    made = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()}
    return json.dumps({"Resources": made})


@pytest.fixture
def lab(client):
    return BrewLab(client)


def test_a_stack_of_all_six(lab, client):
    formation, brew = client("cloudformation"), lab.brew
    formation.create_stack(StackName="brew", TemplateBody=template(lab.bucket), Capabilities=["CAPABILITY_IAM"])
    formation.get_waiter("stack_create_complete").wait(StackName="brew", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    options = brew.describe_dataset(Name="files")["PathOptions"]
    assert options["FilesLimit"] == {"MaxFiles": 3}
    assert options["Parameters"]["day"]["Filter"] == {"Expression": "starts_with :a", "ValuesMap": {":a": "2026"}}
    steps = brew.describe_recipe(Name="recipe", RecipeVersion="LATEST_WORKING")["Steps"]
    assert steps == [{"Action": {"Operation": "UPPER_CASE", "Parameters": {"sourceColumn": "uuid"}}}]
    assert brew.describe_project(Name="project")["RecipeName"] == "recipe"
    assert brew.describe_ruleset(Name="rules")["Rules"][0]["SubstitutionMap"] == {":col": "`track_id`", ":val": "0"}
    assert brew.describe_schedule(Name="nightly")["JobNames"] == ["profile"]
    formation.update_stack(
        StackName="brew", TemplateBody=template(lab.bucket, value="1", hour="4"), Capabilities=["CAPABILITY_IAM"]
    )
    formation.get_waiter("stack_update_complete").wait(StackName="brew", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert brew.describe_ruleset(Name="rules")["Rules"][0]["SubstitutionMap"][":val"] == "1"
    assert brew.describe_schedule(Name="nightly")["CronExpression"] == "Cron(0 4 * * ? *)"
    formation.delete_stack(StackName="brew")
    formation.get_waiter("stack_delete_complete").wait(StackName="brew", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    left = [brew.list_projects()["Projects"], brew.list_jobs()["Jobs"], brew.list_schedules()["Schedules"]]
    left += [brew.list_rulesets()["Rulesets"], brew.list_recipes(RecipeVersion="LATEST_WORKING")["Recipes"]]
    assert left == [[], [], [], [], []]

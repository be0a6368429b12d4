"""DataBrew's definitions by AWS's own clients: datasets, recipes and their versions, projects, jobs, rulesets, schedules, tags."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.local.databrew.brew_lab import ALLOWED, BUCKET, JOIN, TRUST, UPPER, BrewLab

OUTPUT = {"Location": {"Bucket": BUCKET, "Key": "out/"}}


@pytest.fixture
def lab(client):
    return BrewLab(client)


def refused(call, code, *texts, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    for text in texts:
        assert text in error["Message"]


def test_datasets(lab):
    brew = lab.brew
    lab.new_file_dataset(
        "sales of may", "in/may.csv.gz", FormatOptions={"Csv": {"Delimiter": ";", "HeaderRow": False}}, Tags={"a": "1"}
    )
    found = brew.describe_dataset(Name="sales of may")
    assert (found["Format"], found["Source"], found["Tags"]) == ("CSV", "S3", {"a": "1"})
    assert found["ResourceArn"].endswith(":dataset/sales of may")
    assert found["FormatOptions"] == {"Csv": {"Delimiter": ";", "HeaderRow": False}}
    assert brew.describe_dataset(Name="raw-dataset")["Source"] == "DATA-CATALOG"
    brew.update_dataset(
        Name="sales of may", Format="JSON", Input={"S3InputDefinition": {"Bucket": BUCKET, "Key": "in/"}}
    )
    assert brew.describe_dataset(Name="sales of may")["Format"] == "JSON"
    pages = brew.get_paginator("list_datasets").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["Name"] for one in page["Datasets"]] for page in pages] == [
        ["raw-dataset", "reference-data-dataset"],
        ["sales of may"],
    ]
    brew.delete_dataset(Name="sales of may")
    refused(brew.describe_dataset, "ResourceNotFoundException", "wasn't found", Name="sales of may")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"Name": "a/b", "Input": {"S3InputDefinition": {"Bucket": BUCKET, "Key": "a.csv"}}}, "Valid characters"),
        ({"Name": "a", "Input": {"S3InputDefinition": {"Bucket": BUCKET, "Key": "a"}}}, "Format is required"),
        ({"Name": "a", "Input": {}}, "exactly one"),
        ({"Name": "a", "Input": {"DatabaseInputDefinition": {"GlueConnectionName": "c"}}}, "no JDBC"),
        ({"Name": "a", "Format": "JSON", "Input": {"S3InputDefinition": {"Bucket": BUCKET}}, "FormatOptions": {"Csv": {"HeaderRow": True}}}, "does not go with"),
        ({"Name": "a", "Format": "CSV", "Input": {"S3InputDefinition": {"Bucket": BUCKET}}, "FormatOptions": {"Csv": {"Delimiter": "x"}}}, "is not supported"),
        ({"Name": "a", "Format": "CSV", "Input": {"S3InputDefinition": {"Bucket": BUCKET, "Key": "{p}"}}, "PathOptions": {}}, "{p} is not defined"),
        ({"Name": "a", "Format": "TOML", "Input": {"S3InputDefinition": {"Bucket": BUCKET}}}, "enum value set"),
    ],
)  # fmt: skip
def test_datasets_that_are_wrong(lab, parameters, text):
    refused(lab.brew.create_dataset, "ValidationException", text, **parameters)


def test_names_are_taken_once(lab):
    brew = lab.brew
    table = {"DataCatalogInputDefinition": {"DatabaseName": "lake", "TableName": "raw"}}
    refused(brew.create_dataset, "ConflictException", "already exists", Name="raw-dataset", Input=table)
    lab.new_recipe("steps")
    refused(brew.create_recipe, "ConflictException", "already exists", Name="steps", Steps=[])
    lab.new_job("job", OUTPUT)
    where = {"Bucket": BUCKET}
    refused(
        brew.create_profile_job, "ConflictException", "already exists",
        Name="job", DatasetName="raw-dataset", RoleArn=lab.role, OutputLocation=where,
    )  # fmt: skip


def test_versions_of_a_recipe(lab):
    brew = lab.brew
    brew.create_recipe(Name="steps", Steps=[UPPER], Description="first")
    refused(brew.describe_recipe, "ResourceNotFoundException", "LATEST_PUBLISHED", Name="steps")
    assert brew.describe_recipe(Name="steps", RecipeVersion="LATEST_WORKING")["RecipeVersion"] == "0.1"
    brew.publish_recipe(Name="steps", Description="one step")
    brew.update_recipe(Name="steps", Steps=[UPPER, JOIN])
    assert brew.describe_recipe(Name="steps")["Steps"] == [UPPER]
    brew.publish_recipe(Name="steps", Description="two steps")
    versions = brew.list_recipe_versions(Name="steps")["Recipes"]
    assert [(one["RecipeVersion"], len(one["Steps"]), one["Description"]) for one in versions] == [
        ("1.0", 1, "one step"),
        ("2.0", 2, "two steps"),
    ]
    assert brew.describe_recipe(Name="steps", RecipeVersion="LATEST_WORKING")["RecipeVersion"] == "2.1"
    assert [one["Name"] for one in brew.list_recipes()["Recipes"]] == ["steps"]
    refused(brew.describe_recipe, "ValidationException", "isn't valid", Name="steps", RecipeVersion="newest")
    refused(brew.list_recipes, "ValidationException", "Invalid version", RecipeVersion="1.0")


def test_versions_are_deleted_one_by_one_and_together(lab):
    brew = lab.brew
    lab.new_recipe("steps", UPPER)
    for _ in range(3):
        brew.publish_recipe(Name="steps")
    lab.new_job("job", OUTPUT, recipe="steps")  # uses 4.0
    refused(
        brew.delete_recipe_version, "ValidationException", "not allowed", Name="steps", RecipeVersion="LATEST_WORKING"
    )
    refused(brew.delete_recipe_version, "ConflictException", "used by the job", Name="steps", RecipeVersion="4.0")
    refused(
        brew.delete_recipe_version, "ValidationException", "isn't valid", Name="steps", RecipeVersion="LATEST_PUBLISHED"
    )
    brew.delete_recipe_version(Name="steps", RecipeVersion="1.0")
    refused(brew.delete_recipe_version, "ResourceNotFoundException", "1.0", Name="steps", RecipeVersion="1.0")
    batch = brew.batch_delete_recipe_version
    refused(batch, "ValidationException", "twice", Name="steps", RecipeVersions=["2.0", "2.0"])
    refused(batch, "ValidationException", "isn't valid", Name="steps", RecipeVersions=["2.0", "LATEST_PUBLISHED"])
    refused(batch, "ResourceNotFoundException", "nothing", Name="nothing", RecipeVersions=["2.0"])
    errors = batch(Name="steps", RecipeVersions=["LATEST_WORKING", "2.0", "9.0", "4.0"])["Errors"]
    assert [(one["RecipeVersion"], one["ErrorCode"]) for one in errors] == [
        ("9.0", "ResourceNotFoundException"),
        ("4.0", "ConflictException"),
        ("LATEST_WORKING", "ValidationException"),
    ]
    brew.delete_job(Name="job")
    assert batch(Name="steps", RecipeVersions=["LATEST_WORKING", "3.0", "4.0"])["Errors"] == []
    refused(brew.describe_recipe, "ResourceNotFoundException", Name="steps", RecipeVersion="LATEST_WORKING")


def test_a_recipe_has_steps_that_can_be_done(lab):
    brew = lab.brew
    unknown = {"Action": {"Operation": "FLY", "Parameters": {}}}
    refused(brew.create_recipe, "ValidationException", "Step 2", "FLY", Name="r", Steps=[UPPER, unknown])
    missing = {"Action": {"Operation": "RENAME", "Parameters": {"sourceColumn": "a"}}}
    refused(brew.create_recipe, "ValidationException", "targetColumn", Name="r", Steps=[missing])
    brew.create_recipe(Name="r", Steps=[UPPER] * 100)
    refused(brew.update_recipe, "ServiceQuotaExceededException", "100", Name="r", Steps=[UPPER] * 101)


def test_projects(lab):
    brew = lab.brew
    brew.create_recipe(Name="r", Steps=[])
    given = {"DatasetName": "raw-dataset", "RecipeName": "r", "RoleArn": lab.role}
    refused(brew.create_project, "ValidationException", "nowhere", Name="p", **{**given, "DatasetName": "nowhere"})
    stranger = lab.new_role("stranger", ALLOWED, {**TRUST, "Principal": {"Service": "glue.amazonaws.com"}})
    refused(brew.create_project, "ValidationException", "does not trust", Name="p", **{**given, "RoleArn": stranger})
    brew.create_project(Name="p", **given)
    found = brew.describe_project(Name="p")
    assert found["Sample"] == {"Type": "FIRST_N", "Size": 500}
    assert "SessionStatus" not in found
    assert brew.describe_recipe(Name="r", RecipeVersion="LATEST_WORKING")["ProjectName"] == "p"
    refused(brew.create_project, "ConflictException", "already attached", Name="q", **given)
    refused(brew.delete_dataset, "ConflictException", "the project p", Name="raw-dataset")
    refused(brew.delete_recipe_version, "ConflictException", "the project p", Name="r", RecipeVersion="LATEST_WORKING")
    brew.update_project(Name="p", RoleArn=lab.role, Sample={"Type": "RANDOM", "Size": 20})
    assert brew.describe_project(Name="p")["Sample"] == {"Type": "RANDOM", "Size": 20}
    brew.delete_project(Name="p")
    assert brew.list_projects()["Projects"] == []


def test_recipe_jobs_need_a_published_version(lab):
    brew = lab.brew
    brew.create_recipe(Name="r", Steps=[])
    given = {"Name": "j", "RoleArn": lab.role, "Outputs": [OUTPUT]}
    by_recipe = {**given, "DatasetName": "raw-dataset"}
    create = brew.create_recipe_job
    refused(create, "ValidationException", "no published version", **by_recipe, RecipeReference={"Name": "r"})
    working = {"Name": "r", "RecipeVersion": "LATEST_WORKING"}
    refused(create, "ValidationException", "isn't published", **by_recipe, RecipeReference=working)
    refused(create, "ValidationException", "together", **by_recipe)
    refused(create, "ValidationException", "either ProjectName", **given)
    refused(create, "ResourceNotFoundException", "nothing", **given, ProjectName="nothing")
    brew.publish_recipe(Name="r")
    create(**by_recipe, RecipeReference={"Name": "r"})
    found = brew.describe_job(Name="j")
    assert (found["Type"], found["MaxCapacity"], found["Timeout"], found["LogSubscription"]) == (
        "RECIPE",
        5,
        2880,
        "DISABLE",
    )
    assert found["RecipeReference"] == {"Name": "r", "RecipeVersion": "1.0"}
    assert [one["Name"] for one in brew.list_jobs(DatasetName="raw-dataset")["Jobs"]] == ["j"]
    assert brew.list_jobs(ProjectName="none")["Jobs"] == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"DataCatalogOutputs": [{"DatabaseName": "d", "TableName": "t", "DatabaseOptions": {"TableName": "t"}}]}, "no JDBC"),
        ({"Outputs": [{**OUTPUT, "Format": "XML"}]}, "does not write XML"),
        ({"Outputs": [{**OUTPUT, "Format": "GLUEPARQUET", "CompressionFormat": "GZIP"}]}, "GLUEPARQUET with compression GZIP"),
        ({"Outputs": [{**OUTPUT, "Format": "JSON", "FormatOptions": {"Csv": {"Delimiter": ","}}}]}, "does not go with"),
        ({"Outputs": [{**OUTPUT, "PartitionColumns": ["a", "a"]}]}, "twice"),
        ({"MaxCapacity": 150}, "MaxCapacity"),
        ({"EncryptionMode": "SSE-KMS"}, "EncryptionKeyArn"),
        ({"DatabaseOutputs": [{"GlueConnectionName": "c", "DatabaseOptions": {"TableName": "t"}}]}, "no JDBC"),
    ],
)  # fmt: skip
def test_recipe_jobs_that_are_wrong(lab, changed, text):
    lab.new_recipe("r")
    given = {"Name": "j", "RoleArn": lab.role, "Outputs": [OUTPUT], "DatasetName": "raw-dataset"} | changed
    refused(lab.brew.create_recipe_job, "ValidationException", text, **given, RecipeReference={"Name": "r"})


def test_profile_jobs_and_rulesets(lab):
    brew = lab.brew
    arn = brew.describe_dataset(Name="raw-dataset")["ResourceArn"]
    rule = {"Name": "known", "CheckExpression": ":c > :v", "SubstitutionMap": {":c": "`track_id`", ":v": "0"}}
    refused(brew.create_ruleset, "ValidationException", "TargetArn", Name="rs", TargetArn=arn + "x", Rules=[rule])
    mixed = {**rule, "CheckExpression": ":c > :v and AGG(ROWS_COUNT) > :v"}
    refused(brew.create_ruleset, "ValidationException", "Rule known", Name="rs", TargetArn=arn, Rules=[mixed])
    refused(brew.create_ruleset, "ValidationException", "same name", Name="rs", TargetArn=arn, Rules=[rule, rule])
    brew.create_ruleset(Name="rs", TargetArn=arn, Rules=[rule])
    ruleset = brew.describe_ruleset(Name="rs")
    assert ruleset["Rules"] == [rule]
    assert brew.list_rulesets(TargetArn=arn)["Rulesets"][0]["RuleCount"] == 1
    given = {"Name": "p", "DatasetName": "raw-dataset", "RoleArn": lab.role, "OutputLocation": {"Bucket": BUCKET}}
    wrong = {**given, "DatasetName": "reference-data-dataset"}
    validation = [{"RulesetArn": ruleset["ResourceArn"]}]
    create = brew.create_profile_job
    refused(create, "ValidationException", "another dataset", **wrong, ValidationConfigurations=validation)
    refused(
        create,
        "ResourceNotFoundException",
        "wasn't found",
        **given,
        ValidationConfigurations=[{"RulesetArn": arn + "y"}],
    )
    refused(create, "ValidationException", "FULL_DATASET", **given, JobSample={"Mode": "FULL_DATASET", "Size": 5})
    create(**given, ValidationConfigurations=validation)
    assert brew.describe_job(Name="p")["JobSample"] == {"Mode": "CUSTOM_ROWS", "Size": 20000}
    refused(brew.delete_ruleset, "ConflictException", "the job p", Name="rs")
    refused(brew.delete_dataset, "ConflictException", Name="raw-dataset")
    refused(brew.update_recipe_job, "ValidationException", "profile job", Name="p", RoleArn=lab.role)
    brew.update_profile_job(Name="p", RoleArn=lab.role, OutputLocation={"Bucket": BUCKET, "Key": "x/"}, MaxRetries=2)
    found = brew.describe_job(Name="p")
    assert (found["MaxRetries"], found["Outputs"], found.get("ValidationConfigurations")) == (
        2,
        [{"Location": {"Bucket": BUCKET, "Key": "x/"}}],
        None,
    )


def test_schedules(lab):
    brew = lab.brew
    lab.new_recipe("steps")
    lab.new_job("job", OUTPUT)
    create = brew.create_schedule
    refused(
        create, "ValidationException", "nothing", Name="s", CronExpression="Cron(0 10 * * ? *)", JobNames=["nothing"]
    )
    refused(create, "ValidationException", "every 5 minutes", Name="s", CronExpression="* * * * ? *", JobNames=["job"])
    create(Name="s", CronExpression="Cron(0/50 * * * ? *)", JobNames=["job"])
    assert brew.list_schedules(JobName="job")["Schedules"][0]["Name"] == "s"
    refused(brew.delete_job, "ConflictException", "the schedule s", Name="job")
    brew.update_schedule(Name="s", CronExpression="0 12 * * ? *")
    found = brew.describe_schedule(Name="s")
    assert (found["CronExpression"], found["JobNames"]) == ("0 12 * * ? *", ["job"])
    brew.delete_schedule(Name="s")
    refused(brew.describe_schedule, "ResourceNotFoundException", Name="s")


def test_tags(lab):
    brew = lab.brew
    arn = brew.describe_dataset(Name="raw-dataset")["ResourceArn"]
    brew.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
    brew.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert brew.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}
    refused(brew.list_tags_for_resource, "ResourceNotFoundException", ResourceArn=arn + "-gone")
    refused(
        brew.tag_resource, "ValidationException", "at most 50", ResourceArn=arn, Tags={str(n): "" for n in range(51)}
    )


def test_every_operation_is_there(lab):
    """None answers that it is unknown; those with a name answer that the name is."""
    from infra.local.databrew import api

    assert set(lab.brew.meta.service_model.operation_names) == set(api.EVERY)


def test_bodies_that_are_no_requests(server, lab, account):
    """Signed requests with a body that the official clients do not send: AWS's errors, never 500."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.httpsession import URLLib3Session

    for body, status in (
        (b"{", 400),
        (b"[]", 400),
        (b'{"Name": 1}', 400),
        (b"{}", 400),
        (b'{"Name": "a", "Input": []}', 400),
    ):
        request = AWSRequest("POST", f"{server.endpoint}/datasets", {"content-type": "application/json"}, body)
        SigV4Auth(Credentials(account, "test"), "databrew", "us-east-1").add_auth(request)
        assert URLLib3Session().send(request.prepare()).status_code == status, body


def test_the_command_line_client(server, lab, account):
    """AWS's CLI: the same definitions from JSON on the command line, with names that have blanks."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.endpoint,
    }
    environment.pop("AWS_PROFILE", None)

    def aws(*arguments):
        command = [str(Path(sys.executable).parent / "aws"), "databrew", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    aws("create-recipe", "--name", "my steps", "--steps", json.dumps([UPPER]))
    aws("publish-recipe", "--name", "my steps")
    assert aws("describe-recipe", "--name", "my steps")["RecipeVersion"] == "1.0"
    aws("create-recipe-job", "--name", "my job", "--role-arn", lab.role, "--dataset-name", "raw-dataset",
        "--recipe-reference", "Name=my steps", "--outputs", json.dumps([lab.output(Format="CSV")]))  # fmt: skip
    run = aws("start-job-run", "--name", "my job")["RunId"]
    assert lab.ended("my job", run)["State"] == "SUCCEEDED"
    assert aws("list-job-runs", "--name", "my job")["JobRuns"][0]["RunId"] == run

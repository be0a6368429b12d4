"""The workshop's own stacks: clean, with tags, without secrets or public buckets; deployed and deleted through helpers.stacks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import stacks
from infra.local.cloudformation.stack import template_of
from infra.local.core.roles.requests.actions import resource_types

TEMPLATES = sorted(path.stem for path in stacks.FOLDER.glob("*.yaml"))


def statements(template):
    for resource in template_of((stacks.FOLDER / f"{template}.yaml").read_text()).resources.values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield from (each for each in statement.get("Fn::If", [statement])[-2:] if "Action" in each)


def _on_resources(actions):
    """Those of a statement's actions that AWS can limit to a resource."""
    named = [actions] if isinstance(actions, str) else actions
    return [action for action in named if resource_types(*action.split(":"))]


def test_templates_are_clean_by_aws_own_schemas():
    files = [str(stacks.FOLDER / f"{name}.yaml") for name in TEMPLATES]
    found = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *files], capture_output=True, text=True, timeout=120
    )
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_hold_no_secret_and_no_wildcard_resource(template):
    text = (stacks.FOLDER / f"{template}.yaml").read_text()
    assert not [word for word in ("password", "secret", "AKIA", "FullAccess") if word.lower() in text.lower()]
    for statement in statements(template):
        assert statement["Resource"] != "*" or not _on_resources(statement["Action"]), statement["Sid"]
        assert "*" not in json.dumps(statement["Action"]), statement["Sid"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_resource_that_can_have_tags_has_the_workshop_tag(template):
    from infra.local.cloudformation import schema as cloudformation_schema

    for name, resource in template_of((stacks.FOLDER / f"{template}.yaml").read_text()).resources.items():
        if cloudformation_schema.is_taggable(resource["Type"]):
            holder = (
                cloudformation_schema.schema(resource["Type"]).get("tagging", {}).get("tagProperty", "/properties/Tags")
            )
            tags = resource["Properties"][holder.removeprefix("/properties/")]
            tags = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            assert tags["workshop"] == "AnalyticsOnAWS", name


def test_the_first_two_chapters_deploy_change_and_go_away(cloud, account, capsys):
    outputs = stacks.deploy("01_ingest", BufferSeconds=10)
    bucket = f"aw-{account}-analytics-workshop-bucket"
    assert outputs == {
        "BucketName": bucket,
        "StreamName": "analytics-workshop-stream",
        "StreamArn": f"arn:aws:kinesis:us-east-1:{account}:stream/analytics-workshop-stream",
        "DeliveryStreamName": "delivery-analytics-workshop-stream",
        "DeliveryLogGroupName": "/aws/kinesisfirehose/delivery-analytics-workshop-stream",
        "BufferSeconds": "10",
    }
    assert "DataStream         AWS::Kinesis::Stream" in capsys.readouterr().out
    s3, firehose = cloud("s3"), cloud("firehose")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "workshop", "Value": "AnalyticsOnAWS"}]
    summary = cloud("kinesis").describe_stream_summary(StreamName="analytics-workshop-stream")
    assert summary["StreamDescriptionSummary"]["OpenShardCount"] == 2

    def seconds():
        found = firehose.describe_delivery_stream(DeliveryStreamName="delivery-analytics-workshop-stream")
        target = found["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
        return target["BufferingHints"]["IntervalInSeconds"], target["Prefix"]

    assert seconds() == (10, "data/raw/")
    assert stacks.deploy("01_ingest", BufferSeconds=10) == outputs
    assert stacks.deploy("01_ingest", BufferSeconds=0)["BufferSeconds"] == "0"
    assert seconds() == (0, "data/raw/")

    catalog = stacks.deploy("02_catalog")
    assert catalog["WorkGroupName"] == "AnalyticsWorkshop"
    crawler = cloud("glue").get_crawler(Name="AnalyticsworkshopCrawler")["Crawler"]
    assert crawler["Targets"]["S3Targets"][0]["Path"] == f"s3://{bucket}/data/"
    assert json.loads(crawler["Configuration"]) == {"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}}
    workgroup = cloud("athena").get_work_group(WorkGroup="AnalyticsWorkshop")["WorkGroup"]["Configuration"]
    assert workgroup["ResultConfiguration"]["OutputLocation"] == f"s3://{bucket}/query_results/"
    assert workgroup["EnforceWorkGroupConfiguration"] is True

    with pytest.raises(stacks.StackFailed, match="Export .*BucketName cannot be deleted as it is in use by"):
        stacks.delete("01_ingest")
    stacks.delete("02_catalog")
    s3.put_object(Bucket=bucket, Key="data/left", Body=b"1")
    with pytest.raises(stacks.StackFailed) as failure:
        stacks.delete("01_ingest")
    assert str(failure.value) == (
        "The stack analytics-workshop-01-ingest was not deleted: DataBucket (AWS::S3::Bucket): "
        "The bucket you tried to delete is not empty. It is now in the state DELETE_FAILED."
    )
    s3.delete_object(Bucket=bucket, Key="data/left")
    stacks.delete("01_ingest")
    assert s3.list_buckets()["Buckets"] == []
    assert cloud("kinesis").list_streams()["StreamNames"] == []
    assert cloud("iam").list_roles(PathPrefix="/")["Roles"] == []
    capsys.readouterr()
    stacks.delete("01_ingest")
    assert capsys.readouterr().out == "Stack analytics-workshop-01-ingest is not there: nothing to delete.\n"


def test_the_table_of_the_stream_for_flink(cloud, account):
    for template in ("01_ingest", "02_catalog"):
        stacks.deploy(template)
    outputs = stacks.deploy("07_flink")
    assert outputs["ApplicationRoleArn"] == f"arn:aws:iam::{account}:role/AnalyticsworkshopKinesisAnalyticsRole"
    table = cloud("glue").get_table(DatabaseName="analyticsworkshopdb", Name="raw_stream")["Table"]
    assert table["Parameters"]["managed-flink.proctime"] == "proctime"
    assert table["Parameters"]["managed-flink.rowtime"] == "device_ts"
    assert table["StorageDescriptor"]["Parameters"]["streamName"] == outputs["DataStreamName"]
    assert outputs["DataStreamName"] == "analytics-workshop-data-stream"
    assert [column["Type"] for column in table["StorageDescriptor"]["Columns"]] == [
        "string",
        "timestamp",
        "int",
        "int",
        "int",
        "string",
    ]
    for template in ("07_flink", "02_catalog", "01_ingest"):
        stacks.delete(template)
    assert cloud("kinesis").list_streams()["StreamNames"] == []


def test_the_jobs_of_chapter_04(cloud, account):
    for template in ("01_ingest", "02_catalog"):
        stacks.deploy(template)
    outputs = stacks.deploy("04_glue_studio")
    assert outputs["JobRoleArn"] == f"arn:aws:iam::{account}:role/AnalyticsworkshopGlueJobRole"
    job = cloud("glue").get_job(JobName=outputs["BookmarkedJobName"])["Job"]
    assert job["DefaultArguments"]["--job-bookmark-option"] == "job-bookmark-enable"
    assert (job["NumberOfWorkers"], job["WorkerType"], job["Timeout"]) == (2, "G.1X", 10)
    for template in ("04_glue_studio", "02_catalog", "01_ingest"):
        stacks.delete(template)
    assert cloud("glue").list_jobs()["JobNames"] == []


def test_a_failed_stack_says_why_and_can_be_deployed_again(cloud):
    cloud("kinesis").create_stream(StreamName="analytics-workshop-stream", ShardCount=1)
    with pytest.raises(stacks.StackFailed) as failure:
        stacks.deploy("01_ingest")
    sentence = str(failure.value)
    assert sentence.startswith(
        "The stack analytics-workshop-01-ingest was not deployed: DataStream (AWS::Kinesis::Stream): "
    )
    assert sentence.endswith("It is now in the state ROLLBACK_COMPLETE.")
    assert cloud("s3").list_buckets()["Buckets"] == []
    cloud("kinesis").delete_stream(StreamName="analytics-workshop-stream")
    assert stacks.deploy("01_ingest")["StreamName"] == "analytics-workshop-stream"
    stacks.delete("01_ingest")


def test_refused_parameters_are_one_sentence(cloud):
    with pytest.raises(stacks.StackFailed, match="Parameter 'BufferSeconds' must be a number not greater than 900"):
        stacks.deploy("01_ingest", BufferSeconds=901)
    with pytest.raises(stacks.StackFailed, match="No export named analytics-workshop-01-ingest-BucketName found"):
        stacks.deploy("02_catalog")

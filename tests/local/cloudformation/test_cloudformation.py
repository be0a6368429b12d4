"""CloudFormation through boto3: what a stack tells while it is made, every resource type, the command line.

Expected values are written by hand from the CloudFormation user guide and from messages of the real service.
"""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from infra.local.cloudformation.resources.types import TAGGING
from tests.local.cloudformation.stack_lab import HANDLE, events, queue, rest
from tests.refusals import refusal


def test_a_stack_is_made_in_order_and_tells_what_it_does(cloudformation, create, client, account):
    template = {
        "Description": "two",
        "Resources": {
            "Policy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "s3.amazonaws.com"},
                                "Action": "sqs:SendMessage",
                                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                            }
                        ],
                    },
                },
            },
            "Queue": queue("events", VisibilityTimeout="60"),
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": "Queue.Arn"}, "Description": "its ARN"}},
    }
    stack_id, status = create("one", template, Tags=[{"Key": "course", "Value": "a"}])
    assert status == "CREATE_COMPLETE"
    assert events(cloudformation, "one") == [
        ("one", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Queue", "CREATE_IN_PROGRESS", None),
        ("Queue", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Queue", "CREATE_COMPLETE", None),
        ("Policy", "CREATE_IN_PROGRESS", None),
        ("Policy", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Policy", "CREATE_COMPLETE", None),
        ("one", "CREATE_COMPLETE", None),
    ]
    stack = cloudformation.describe_stacks(StackName="one")["Stacks"][0]
    assert stack["StackId"] == stack_id
    assert stack["Description"] == "two"
    assert stack["Outputs"] == [
        {"OutputKey": "Arn", "OutputValue": f"arn:aws:sqs:us-east-1:{account}:events", "Description": "its ARN"}
    ]
    assert stack["Tags"] == [{"Key": "course", "Value": "a"}]
    resources = cloudformation.describe_stack_resources(StackName="one")["StackResources"]
    url = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "Queue")
    sqs = client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert json.loads(attributes["Policy"])["Statement"][0]["Action"] == "sqs:SendMessage"
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"course": "a"}
    detail = cloudformation.describe_stack_resource(StackName="one", LogicalResourceId="Queue")["StackResourceDetail"]
    assert (detail["PhysicalResourceId"], detail["ResourceStatus"]) == (url, "CREATE_COMPLETE")
    assert cloudformation.get_template(StackName="one")["TemplateBody"] == template
    by_physical = cloudformation.describe_stack_resources(PhysicalResourceId=url)["StackResources"]
    assert {r["StackName"] for r in by_physical} == {"one"}

    cloudformation.delete_stack(StackName="one")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert [e[:2] for e in events(cloudformation, stack_id)[8:]] == [
        ("one", "DELETE_IN_PROGRESS"),
        ("Policy", "DELETE_IN_PROGRESS"),
        ("Policy", "DELETE_COMPLETE"),
        ("Queue", "DELETE_IN_PROGRESS"),
        ("Queue", "DELETE_COMPLETE"),
        ("one", "DELETE_COMPLETE"),
    ]
    assert "QueueUrls" not in sqs.list_queues()
    assert refusal(cloudformation.describe_stacks, StackName="one") == (
        "ValidationError",
        "Stack with id one does not exist",
    )
    assert cloudformation.describe_stacks()["Stacks"] == []
    assert [s["StackStatus"] for s in cloudformation.list_stacks()["StackSummaries"]] == ["DELETE_COMPLETE"]


def test_missing_stacks(cloudformation):
    assert refusal(cloudformation.describe_stack_events, StackName="no") == (
        "ValidationError",
        "Stack [no] does not exist",
    )
    assert refusal(cloudformation.get_template, StackName="no")[1] == "Stack with id no does not exist"
    assert refusal(
        cloudformation.update_stack, StackName="no", TemplateBody=json.dumps({"Resources": {"A": HANDLE}})
    ) == ("ValidationError", "Stack [no] does not exist")
    cloudformation.delete_stack(StackName="no")


def test_accounts_have_stacks_of_their_own(server, create):
    create("mine", {"Resources": {"A": HANDLE}})
    assert server.client("cloudformation", "999988887777").describe_stacks()["Stacks"] == []


ALL_TYPES = """
Parameters:
  Step: {Type: String}
Resources:
  DeadLetters: {Type: AWS::SQS::Queue}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 3}
      Tags: [{Key: step, Value: !Ref Step}]
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: s3.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: QueuePolicy
    Properties:
      VersioningConfiguration: {Status: Enabled}
      NotificationConfiguration:
        QueueConfigurations:
          - {Event: "s3:ObjectCreated:*", Queue: !GetAtt Queue.Arn, Filter: {S3Key: {Rules: [{Name: prefix, Value: !Ref Step}]}}}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: ["https://example.org"], MaxAge: 60}]}
      LifecycleConfiguration: {Rules: [{Id: old, Status: Enabled, ExpirationInDays: 30, Prefix: tmp/}]}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Sid: !Ref Step, Effect: Deny, Principal: "*", Action: s3:PutBucketAcl, Resource: !GetAtt Bucket.Arn}]
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Ref Step, Subscription: [{Protocol: sqs, Endpoint: !GetAtt Queue.Arn}]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: !Ref Step
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - {PolicyName: !Sub "in-${Step}", PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Sub "${Bucket.Arn}/*"}]}}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: !Ref Step, Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]}
  Inline:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "more-${Step}"
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: sqs:ReceiveMessage, Resource: !GetAtt Queue.Arn}]}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Description: !Ref Step
      EventPattern: {source: [aws.glue]}
      Targets: [{Arn: !GetAtt Queue.Arn, Id: !Ref Step}]
  Database:
    Type: AWS::Glue::Database
    Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: types_db, Description: !Ref Step}}
  Table:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput: {Name: t, Description: !Ref Step, StorageDescriptor: {Columns: [{Name: a, Type: int}], Location: !Sub "s3://${Bucket}/t/"}}
  Csv: {Type: AWS::Glue::Classifier, Properties: {CsvClassifier: {Name: csv_types, Delimiter: ";", ContainsHeader: PRESENT}}}
  Crawler:
    Type: AWS::Glue::Crawler
    Properties: {Role: !GetAtt Role.Arn, DatabaseName: !Ref Database, Targets: {S3Targets: [{Path: !Sub "s3://${Bucket}/t/"}]}, Description: !Ref Step}
  WorkGroup:
    Type: AWS::Athena::WorkGroup
    Properties: {Name: types, Description: !Ref Step, WorkGroupConfiguration: {ResultConfiguration: {OutputLocation: !Sub "s3://${Bucket}/q/"}}}
  Query: {Type: AWS::Athena::NamedQuery, Properties: {Database: !Ref Database, QueryString: !Sub "SELECT '${Step}'", WorkGroup: !Ref WorkGroup}}
  Prepared: {Type: AWS::Athena::PreparedStatement, Properties: {StatementName: by_id, WorkGroup: !Ref WorkGroup, QueryStatement: !Sub "SELECT '${Step}', ?"}}
  LogGroup: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
  LogStream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref LogGroup}}
"""


def test_resource_types_are_made_changed_and_deleted(cloudformation, client):
    step = {"ParameterKey": "Step", "ParameterValue": "one"}
    stack_id = cloudformation.create_stack(
        StackName="t", TemplateBody=ALL_TYPES, Parameters=[step], Capabilities=["CAPABILITY_IAM"]
    )["StackId"]
    assert rest(cloudformation, "t") == "CREATE_COMPLETE", events(cloudformation, "t")
    physical = {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for r in cloudformation.describe_stack_resources(StackName="t")["StackResources"]
    }
    iam, glue, athena, s3 = client("iam"), client("glue"), client("athena"), client("s3")
    sqs, sns, rules = client("sqs"), client("sns"), client("events")

    def seen():
        """Read back, from each service, what the step parameter went into."""
        bucket = physical["Bucket"]
        notifications = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
        version = iam.get_policy(PolicyArn=physical["Managed"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=physical["Managed"], VersionId=version)["PolicyVersion"]["Document"]
        query = athena.list_named_queries(WorkGroup="types")["NamedQueryIds"]
        return {
            "Queue": sqs.list_queue_tags(QueueUrl=physical["Queue"])["Tags"]["step"],
            "Bucket": notifications[0]["Filter"]["Key"]["FilterRules"][0]["Value"],
            "BucketPolicy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Sid"],
            "Topic": sns.get_topic_attributes(TopicArn=physical["Topic"])["Attributes"]["DisplayName"],
            "Role": iam.get_role(RoleName=physical["Role"])["Role"]["Description"],
            "inline": iam.list_role_policies(RoleName=physical["Role"])["PolicyNames"],
            "Managed": document["Statement"][0]["Sid"],
            "Rule": rules.list_targets_by_rule(Rule=physical["Rule"])["Targets"][0]["Id"],
            "Database": glue.get_database(Name="types_db")["Database"]["Description"],
            "Table": glue.get_table(DatabaseName="types_db", Name="t")["Table"]["Description"],
            "Crawler": glue.get_crawler(Name=physical["Crawler"])["Crawler"]["Description"],
            "WorkGroup": athena.get_work_group(WorkGroup="types")["WorkGroup"]["Description"],
            "Query": [athena.get_named_query(NamedQueryId=i)["NamedQuery"]["QueryString"] for i in query],
            "Prepared": athena.get_prepared_statement(StatementName="by_id", WorkGroup="types")["PreparedStatement"][
                "QueryStatement"
            ],
        }

    def expected(step):
        return {
            **dict.fromkeys(("Queue", "Bucket", "BucketPolicy", "Topic", "Role", "Managed", "Rule"), step),
            **dict.fromkeys(("Database", "Table", "Crawler", "WorkGroup"), step),
            "inline": [f"in-{step}", f"more-{step}"],
            "Query": [f"SELECT '{step}'"],
            "Prepared": f"SELECT '{step}', ?",
        }

    assert seen() == expected("one")
    step["ParameterValue"] = "two"
    cloudformation.update_stack(
        StackName="t", UsePreviousTemplate=True, Parameters=[step], Capabilities=["CAPABILITY_IAM"]
    )
    assert rest(cloudformation, "t") == "UPDATE_COMPLETE", events(cloudformation, "t")
    assert seen() == expected("two")
    cloudformation.delete_stack(StackName="t")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE", events(cloudformation, stack_id)
    left = [
        s3.list_buckets()["Buckets"],
        sqs.list_queues().get("QueueUrls", []),
        sns.list_topics()["Topics"],
        iam.list_roles()["Roles"],
        iam.list_policies(Scope="Local")["Policies"],
        iam.list_instance_profiles()["InstanceProfiles"],
        rules.list_rules()["Rules"],
        glue.get_databases()["DatabaseList"],
        glue.get_crawlers()["Crawlers"],
        glue.get_classifiers()["Classifiers"],
        [group["Name"] for group in athena.list_work_groups()["WorkGroups"] if group["Name"] != "primary"],
        client("logs").describe_log_groups()["logGroups"],
    ]
    assert left == [[]] * 12


def test_aws_cli(server, account, tmp_path, cloudformation):
    template = tmp_path / "t.yaml"
    template.write_text(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !Sub '${AWS::StackName}-q'}\n"
    )
    environment = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": "/usr/bin:/bin",
    }

    def aws(*arguments):
        command = [Path(sys.executable).with_name("aws"), "cloudformation", *arguments]
        found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert found.returncode == 0, found.stderr
        return found.stdout

    aws("create-stack", "--stack-name", "cli", "--template-body", f"file://{template}")
    assert rest(cloudformation, "cli") == "CREATE_COMPLETE"
    said = aws("deploy", "--stack-name", "cli", "--template-file", str(template), "--no-fail-on-empty-changeset")
    assert "No changes to deploy. Stack cli is up to date" in said
    assert json.loads(aws("list-stacks", "--output", "json"))["StackSummaries"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("service", TAGGING)
def test_tags_are_given_as_the_services_model_says(service: str) -> None:
    how, client = TAGGING[service], boto3.client(service, region_name="us-east-1")
    tags = how.form({"a": "1"})
    kinds = {}
    for method in (how.untag, how.tag):
        operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
        kinds[method] = {name: shape.type_name for name, shape in operation.input_shape.members.items()}
        assert how.resource in kinds[method]
    assert kinds[how.untag][how.keys] == "list"
    assert kinds[how.tag][how.tags] == ("map" if isinstance(tags, dict) else "list")

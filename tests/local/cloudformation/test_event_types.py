"""Resource types of EventBridge, Scheduler and SNS: made, changed, deleted; what they do is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.local.events.event_lab import Queue, send
from tests.polling import until

TEMPLATE = """
Parameters:
  Step: {Type: String}
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: orders, Tags: [{Key: step, Value: !Ref Step}]}}
  BusPolicy:
    Type: AWS::Events::EventBusPolicy
    Properties:
      EventBusName: !Ref Bus
      StatementId: friend
      Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: events:PutEvents, Resource: !GetAtt Bus.Arn}
  Archive:
    Type: AWS::Events::Archive
    Properties: {SourceArn: !GetAtt Bus.Arn, Description: !Ref Step, EventPattern: {source: [shop]}, RetentionDays: 3}
  Topic: {Type: AWS::SNS::Topic}
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Sid: !Ref Step, Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sns:Publish, Resource: !Ref Topic}]
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: told}}
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]
  Subscription:
    Type: AWS::SNS::Subscription
    DependsOn: QueuePolicy
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, RawMessageDelivery: true, FilterPolicy: {kind: [!Ref Step]}, FilterPolicyScope: MessageBody}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [shop]}
      Targets: [{Id: topic, Arn: !Ref Topic, InputPath: $.detail}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: scheduler.amazonaws.com}, Action: sts:AssumeRole}]}
  Group: {Type: AWS::Scheduler::ScheduleGroup, Properties: {Name: nightly}}
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      GroupName: !Ref Group
      Description: !Ref Step
      ScheduleExpression: cron(0 3 * * ? *)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {Arn: !GetAtt Queue.Arn, RoleArn: !GetAtt Role.Arn}
Outputs:
  Schedule: {Value: !GetAtt Schedule.Arn}
  Rule: {Value: !GetAtt Rule.Arn}
"""


def test_types_of_events_are_made_changed_and_deleted(client: Callable[..., Any], account: str) -> None:
    cloudformation, events, sns, scheduler = (client(n) for n in ("cloudformation", "events", "sns", "scheduler"))

    def step(name: str) -> list[dict[str, str]]:
        return [{"ParameterKey": "Step", "ParameterValue": name}]

    def status() -> str:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return "" if found.endswith("PROGRESS") else str(found)

    def reasons() -> list[Any]:
        told = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [(e["LogicalResourceId"], e["ResourceStatusReason"]) for e in told if "FAILED" in e["ResourceStatus"]]

    stack = cloudformation.create_stack(
        StackName="s", TemplateBody=TEMPLATE, Parameters=step("one"), Capabilities=["CAPABILITY_IAM"]
    )["StackId"]
    assert until(status) == "CREATE_COMPLETE", reasons()
    (described,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    assert outputs["Rule"].startswith(f"arn:aws:events:us-east-1:{account}:rule/orders/s-Rule-")
    assert outputs["Schedule"].startswith(f"arn:aws:scheduler:us-east-1:{account}:schedule/nightly/s-Schedule-")

    def seen() -> set[Any]:
        (archive,) = events.list_archives()["Archives"]
        (topic,) = sns.list_topics()["Topics"]
        (schedule,) = scheduler.list_schedules()["Schedules"]
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"])
        (subscription,) = sns.list_subscriptions()["Subscriptions"]
        attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
        bus = events.describe_event_bus(Name="orders")
        return {
            events.describe_archive(ArchiveName=archive["ArchiveName"])["Description"],
            policy["Statement"][0]["Sid"],
            json.loads(attributes["FilterPolicy"])["kind"][0],
            scheduler.get_schedule(Name=schedule["Name"], GroupName="nightly")["Description"],
            {tag["Key"]: tag["Value"] for tag in events.list_tags_for_resource(ResourceARN=bus["Arn"])["Tags"]}["step"],
        }

    assert seen() == {"one"}
    queue = Queue(client("sqs"), "told", account, allowed=False)
    for kind in ("one", "two"):
        entry = {"Source": "shop", "DetailType": "Sold", "Detail": json.dumps({"kind": kind}), "EventBusName": "orders"}
        events.put_events(Entries=[entry])
    assert queue.bodies(1) == [{"kind": "one"}]

    cloudformation.update_stack(
        StackName="s", TemplateBody=TEMPLATE, Parameters=step("two"), Capabilities=["CAPABILITY_IAM"]
    )
    assert until(status) == "UPDATE_COMPLETE", reasons()
    assert seen() == {"two"}
    cloudformation.delete_stack(StackName="s")
    assert until(status) == "DELETE_COMPLETE", reasons()
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]
    assert events.list_archives()["Archives"] == [] and sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == [] and scheduler.list_schedules()["Schedules"] == []
    assert send(events)  # the default bus is there

"""Resource types of SNS: topics, subscriptions, the policies of topics.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_SNS.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    created_tags,
    document,
    exists,
    missing_is_fine,
    retag,
    text_attributes,
)

Properties = dict[str, Any]


class Topic(ResourceType):
    supported = frozenset({"DisplayName", "FifoTopic", "KmsMasterKeyId", "Subscription", "Tags", "TopicName"})
    name_length = 256

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return context.arn("sns", name)

    def create(self, context: Context, name: str, properties: Properties) -> None:
        sns = context.client("sns")
        if exists(sns.get_topic_attributes, TopicArn=self.physical_id(context, name, properties)):
            raise context.already_exists(name)
        arn = sns.create_topic(
            Name=name,
            Attributes=text_attributes(properties, "TopicName", "Subscription"),
            **created_tags("sns", properties, context),
        )["TopicArn"]
        context.made(arn)
        for subscription in properties.get("Subscription", []):
            sns.subscribe(TopicArn=arn, **subscription)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        sns = context.client("sns")
        for key in ("DisplayName", "KmsMasterKeyId"):
            if properties.get(key) != old.get(key):
                sns.set_topic_attributes(
                    TopicArn=physical_id, AttributeName=key, AttributeValue=properties.get(key, "")
                )
        for subscription in properties.get("Subscription", []):
            if subscription not in old.get("Subscription", []):
                sns.subscribe(TopicArn=physical_id, **subscription)
        for subscription in old.get("Subscription", []):
            if subscription not in properties.get("Subscription", []):
                for found in sns.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]:
                    if (found["Protocol"], found["Endpoint"]) == (subscription["Protocol"], subscription["Endpoint"]):
                        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])
        retag("sns", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("sns").delete_topic(TopicArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {**properties, "TopicArn": physical_id, "TopicName": physical_id.rpartition(":")[2]}


SUBSCRIPTION_ATTRIBUTES = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")


class Subscription(ResourceType):
    supported = frozenset({"Endpoint", "Protocol", "TopicArn", *SUBSCRIPTION_ATTRIBUTES})

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        arn = context.client("sns").subscribe(
            TopicArn=properties["TopicArn"],
            Protocol=properties["Protocol"],
            Endpoint=properties.get("Endpoint", ""),
            Attributes=_subscription_attributes(properties),
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        context.made(arn)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        before, after = _subscription_attributes(old), _subscription_attributes(properties)
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                value = after.get(name, "false" if name == "RawMessageDelivery" else "{}")
                context.client("sns").set_subscription_attributes(
                    SubscriptionArn=physical_id, AttributeName=name, AttributeValue=value
                )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("sns").unsubscribe(SubscriptionArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": physical_id}


def _subscription_attributes(properties: Properties) -> dict[str, str]:
    left_out = properties.keys() - set(SUBSCRIPTION_ATTRIBUTES)
    return text_attributes(properties, *left_out)


class TopicPolicy(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._set(context, properties["Topics"], document(properties["PolicyDocument"]))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._reset(context, [arn for arn in old["Topics"] if arn not in properties["Topics"]])
        self._set(context, properties["Topics"], document(properties["PolicyDocument"]))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._reset(context, properties["Topics"])

    def _set(self, context: Context, arns: list[str], policy: str) -> None:
        for arn in arns:
            context.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    def _reset(self, context: Context, arns: list[str]) -> None:
        """Give topics the policy that they have when they are made: their account may use them."""
        for arn in arns:
            statement = {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes", "SNS:ListSubscriptionsByTopic"],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": context.account}},
            }
            with missing_is_fine():
                self._set(context, [arn], json.dumps({"Version": "2008-10-17", "Statement": [statement]}))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::SNS::Subscription": Subscription(),
    "AWS::SNS::Topic": Topic(),
    "AWS::SNS::TopicPolicy": TopicPolicy(),
}

"""Resource types of S3: buckets and their policies.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_S3.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    as_tag_list,
    document,
    exists,
    picked,
    tag_map,
    tags_changed,
    without,
)

Properties = dict[str, Any]


class Bucket(ResourceType):
    supported = frozenset(
        {
            "AccessControl",
            "BucketEncryption",
            "BucketName",
            "CorsConfiguration",
            "LifecycleConfiguration",
            "NotificationConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )
    lower_case_name = True
    name_length = 63

    def create(self, context: Context, name: str, properties: Properties) -> None:
        s3 = context.client("s3")
        if exists(s3.head_bucket, Bucket=name):
            raise context.already_exists(name)
        parameters: Properties = {"Bucket": name}
        if context.region != "us-east-1":
            parameters["CreateBucketConfiguration"] = {"LocationConstraint": context.region}
        if "AccessControl" in properties:
            words = "".join(f"-{c.lower()}" if c.isupper() else c for c in properties["AccessControl"])
            parameters["ACL"] = words.lstrip("-")
        if "OwnershipControls" in properties:
            parameters["ObjectOwnership"] = properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
        s3.create_bucket(**parameters)
        context.made(name)
        self._configure(context, name, properties, {})

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        if properties.get("AccessControl") != old.get("AccessControl"):
            raise ResourceFailure("The local AWS cannot change AccessControl of a bucket.")
        self._configure(context, physical_id, properties, old)

    def _configure(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        s3 = context.client("s3")
        changed = {key for key in {*properties, *old} if properties.get(key) != old.get(key)}
        for key, put in SETTINGS.items():
            if key in changed:
                put(s3, name, properties.get(key))
        if "OwnershipControls" in changed and old:  # a new bucket has them from its making
            _set_ownership(s3, name, properties.get("OwnershipControls"))
        tags = tag_map(properties, context)
        gone, added = tags_changed(properties, old, context)
        if tags and (gone or added):
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": as_tag_list(tags)})
        elif gone:
            s3.delete_bucket_tagging(Bucket=name)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket(Bucket=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {
            "Arn": f"arn:aws:s3:::{physical_id}",
            "DomainName": f"{physical_id}.s3.amazonaws.com",
            "DualStackDomainName": f"{physical_id}.s3.dualstack.{context.region}.amazonaws.com",
            "RegionalDomainName": f"{physical_id}.s3.{context.region}.amazonaws.com",
            "WebsiteURL": f"http://{physical_id}.s3-website-{context.region}.amazonaws.com",
        }


def _lifecycle_rule(rule: Properties) -> Properties:
    """Return a template's lifecycle rule in the form of the S3 API."""
    result = {"Status": rule["Status"], **({"ID": rule["Id"]} if "Id" in rule else {})}
    filters: Properties = picked(rule, "Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
    tags = rule.get("TagFilters", [])
    if len(filters) + len(tags) > 1:
        result["Filter"] = {"And": {**filters, **({"Tags": tags} if tags else {})}}
    elif tags:
        result["Filter"] = {"Tag": tags[0]}
    else:
        result["Filter"] = filters or {"Prefix": ""}
    expiration = {
        **({"Days": rule["ExpirationInDays"]} if "ExpirationInDays" in rule else {}),
        **({"Date": rule["ExpirationDate"]} if "ExpirationDate" in rule else {}),
        **picked(rule, "ExpiredObjectDeleteMarker"),
    }
    if expiration:
        result["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        result["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    result.update(picked(rule, "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"))
    if "Transitions" in rule:
        names = {"TransitionInDays": "Days", "TransitionDate": "Date"}
        result["Transitions"] = [{names.get(k, k): v for k, v in item.items()} for item in rule["Transitions"]]
    known = {
        "Status",
        "Id",
        "Prefix",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "TagFilters",
        "ExpirationInDays",
        "ExpirationDate",
        "ExpiredObjectDeleteMarker",
        "NoncurrentVersionExpirationInDays",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
        "Transitions",
    }
    strange = sorted(set(rule) - known)
    if strange:
        raise ResourceFailure(f"The local AWS does not support {strange[0]} in a lifecycle rule.")
    return result


def _notification(configuration: Properties) -> Properties:
    """Return a template's bucket notifications in the form of the S3 API."""
    result: Properties = {}
    for key, target in (("Lambda", "Function"), ("Queue", "Queue"), ("Topic", "Topic")):
        entries = []
        for entry in configuration.get(f"{key}Configurations", []):
            arn_name = "LambdaFunctionArn" if key == "Lambda" else f"{key}Arn"
            made = {"Events": [entry["Event"]], arn_name: entry[target]}
            if "Filter" in entry:
                made["Filter"] = {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}}
            entries.append(made)
        if entries:
            result["LambdaFunctionConfigurations" if key == "Lambda" else f"{key}Configurations"] = entries
    if configuration.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
        result["EventBridgeConfiguration"] = {}
    return result


class BucketPolicy(ResourceType):
    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return properties["Bucket"]

    def create(self, context: Context, name: str, properties: Properties) -> None:
        s3 = context.client("s3")
        try:
            s3.get_bucket_policy(Bucket=properties["Bucket"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
        else:
            raise ResourceFailure("The bucket policy already exists on bucket " + properties["Bucket"] + ".")
        s3.put_bucket_policy(Bucket=properties["Bucket"], Policy=document(properties["PolicyDocument"]))
        context.made(properties["Bucket"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("s3").put_bucket_policy(Bucket=physical_id, Policy=document(properties["PolicyDocument"]))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket_policy(Bucket=physical_id)


TYPES: dict[str, ResourceType] = {
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
}


def _set_encryption(s3: Any, name: str, given: Properties | None) -> None:
    if given is None:
        s3.delete_bucket_encryption(Bucket=name)
        return
    rules = [
        {
            **without(rule, "ServerSideEncryptionByDefault"),
            "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {}),
        }
        for rule in given["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _set_public_access_block(s3: Any, name: str, given: Properties | None) -> None:
    if given is None:
        s3.delete_public_access_block(Bucket=name)
    else:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=given)


def _set_ownership(s3: Any, name: str, given: Properties | None) -> None:
    if given is None:
        s3.delete_bucket_ownership_controls(Bucket=name)
    else:
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=given)


def _set_versioning(s3: Any, name: str, given: Properties | None) -> None:
    status = (given or {}).get("Status", "Suspended")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})


def _set_lifecycle(s3: Any, name: str, given: Properties | None) -> None:
    if given is None:
        s3.delete_bucket_lifecycle(Bucket=name)
        return
    rules = [_lifecycle_rule(rule) for rule in given["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def _set_cors(s3: Any, name: str, given: Properties | None) -> None:
    if given is None:
        s3.delete_bucket_cors(Bucket=name)
        return
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    rules = [{names.get(key, key): value for key, value in rule.items()} for rule in given["CorsRules"]]
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def _set_notification(s3: Any, name: str, given: Properties | None) -> None:
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=_notification(given or {}))


# The settings of a bucket: property → what puts it, or takes it away where the template has it no more.
SETTINGS: dict[str, Callable[[Any, str, Properties | None], None]] = {
    "BucketEncryption": _set_encryption,
    "PublicAccessBlockConfiguration": _set_public_access_block,
    "VersioningConfiguration": _set_versioning,
    "LifecycleConfiguration": _set_lifecycle,
    "CorsConfiguration": _set_cors,
    "NotificationConfiguration": _set_notification,
}

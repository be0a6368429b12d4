"""Resource types of storage, streams, messages, logs and identity."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    as_tag_list,
    created_tags,
    document,
    exists,
    is_missing,
    missing_is_fine,
    picked,
    retag,
    tag_map,
    tags_changed,
    text_attributes,
    without,
)

Properties = dict[str, Any]


# --- S3 -------------------------------------------------------------------------------------------------------------


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
        if "BucketEncryption" in changed:
            if "BucketEncryption" in properties:
                rules = [
                    {
                        **without(rule, "ServerSideEncryptionByDefault"),
                        "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {}),
                    }
                    for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
                ]
                s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
            else:
                s3.delete_bucket_encryption(Bucket=name)
        if "PublicAccessBlockConfiguration" in changed:
            if "PublicAccessBlockConfiguration" in properties:
                s3.put_public_access_block(
                    Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
                )
            else:
                s3.delete_public_access_block(Bucket=name)
        if "OwnershipControls" in changed and old:
            if "OwnershipControls" in properties:
                s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
            else:
                s3.delete_bucket_ownership_controls(Bucket=name)
        if "VersioningConfiguration" in changed:
            status = properties.get("VersioningConfiguration", {}).get("Status", "Suspended")
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
        if "LifecycleConfiguration" in changed:
            if "LifecycleConfiguration" in properties:
                rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
                s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
            else:
                s3.delete_bucket_lifecycle(Bucket=name)
        if "CorsConfiguration" in changed:
            if "CorsConfiguration" in properties:
                names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
                rules = [
                    {names.get(key, key): value for key, value in rule.items()}
                    for rule in properties["CorsConfiguration"]["CorsRules"]
                ]
                s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
            else:
                s3.delete_bucket_cors(Bucket=name)
        if "NotificationConfiguration" in changed:
            s3.put_bucket_notification_configuration(
                Bucket=name,
                NotificationConfiguration=_notification(properties.get("NotificationConfiguration", {})),
            )
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


# --- streams --------------------------------------------------------------------------------------------------------


class KinesisStream(ResourceType):
    supported = frozenset(
        {
            "DesiredShardLevelMetrics",
            "MaxRecordSizeInKiB",
            "Name",
            "RetentionPeriodHours",
            "ShardCount",
            "StreamEncryption",
            "StreamModeDetails",
            "Tags",
        }
    )
    name_length = 128

    def create(self, context: Context, name: str, properties: Properties) -> None:
        kinesis = context.client("kinesis")
        mode = properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        parameters = picked(properties, "StreamModeDetails", "MaxRecordSizeInKiB")
        if mode == "PROVISIONED":
            parameters["ShardCount"] = properties.get("ShardCount", 1)
        kinesis.create_stream(StreamName=name, **parameters, **created_tags("kinesis", properties, context))
        context.made(name)
        self._wait(context, name)
        self._configure(context, name, properties, {})

    def _wait(self, context: Context, name: str) -> None:
        kinesis = context.client("kinesis")
        context.wait(
            lambda: (
                kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
            )
        )

    def _configure(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        kinesis = context.client("kinesis")
        hours, before = properties.get("RetentionPeriodHours", 24), old.get("RetentionPeriodHours", 24)
        if hours > before:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        elif hours < before:
            kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        encryption = properties.get("StreamEncryption")
        if encryption != old.get("StreamEncryption"):
            if encryption:
                kinesis.start_stream_encryption(StreamName=name, **encryption)
            else:
                kinesis.stop_stream_encryption(StreamName=name, **old["StreamEncryption"])
            self._wait(context, name)
        metrics, metrics_before = (
            set(properties.get("DesiredShardLevelMetrics", [])),
            set(old.get("DesiredShardLevelMetrics", [])),
        )
        if metrics - metrics_before:
            kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(metrics - metrics_before))
        if metrics_before - metrics:
            kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=sorted(metrics_before - metrics))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        kinesis = context.client("kinesis")
        mode = properties.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
        if mode != old.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED"):
            kinesis.update_stream_mode(
                StreamARN=context.arn("kinesis", f"stream/{physical_id}"), StreamModeDetails={"StreamMode": mode}
            )
            self._wait(context, physical_id)
        if mode == "PROVISIONED" and properties.get("ShardCount", 1) != old.get("ShardCount", 1):
            kinesis.update_shard_count(
                StreamName=physical_id, TargetShardCount=properties.get("ShardCount", 1), ScalingType="UNIFORM_SCALING"
            )
            self._wait(context, physical_id)
        self._configure(context, physical_id, properties, old)
        retag("kinesis", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        kinesis = context.client("kinesis")
        kinesis.delete_stream(StreamName=physical_id, EnforceConsumerDeletion=True)
        context.wait(lambda: not exists(kinesis.describe_stream_summary, StreamName=physical_id))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("kinesis", f"stream/{physical_id}")}


class DeliveryStream(ResourceType):
    supported = frozenset(
        {
            "DeliveryStreamEncryptionConfigurationInput",
            "DeliveryStreamName",
            "DeliveryStreamType",
            "ExtendedS3DestinationConfiguration",
            "KinesisStreamSourceConfiguration",
            "S3DestinationConfiguration",
            "Tags",
        }
    )

    def create(self, context: Context, name: str, properties: Properties) -> None:
        firehose = context.client("firehose")
        parameters = without(properties, "DeliveryStreamName", "Tags")
        firehose.create_delivery_stream(
            DeliveryStreamName=name, **parameters, **created_tags("firehose", properties, context)
        )
        context.made(name)

        def is_ready() -> bool:
            found = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
            if found["DeliveryStreamStatus"] == "CREATING_FAILED":
                raise ResourceFailure(found.get("FailureDescription", {}).get("Details", "CREATING_FAILED"))
            return found["DeliveryStreamStatus"] == "ACTIVE"

        context.wait(is_ready)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        firehose = context.client("firehose")
        kind = "ExtendedS3Destination" if "ExtendedS3DestinationConfiguration" in properties else "S3Destination"
        configuration = properties.get(f"{kind}Configuration", {})
        if configuration != old.get(f"{kind}Configuration"):
            found = firehose.describe_delivery_stream(DeliveryStreamName=physical_id)["DeliveryStreamDescription"]
            changes = without(configuration, "S3BackupConfiguration")
            if "S3BackupConfiguration" in configuration:
                changes["S3BackupUpdate"] = configuration["S3BackupConfiguration"]
            firehose.update_destination(
                DeliveryStreamName=physical_id,
                CurrentDeliveryStreamVersionId=found["VersionId"],
                DestinationId=found["Destinations"][0]["DestinationId"],
                **{f"{kind}Update": changes},
            )
        encryption = properties.get("DeliveryStreamEncryptionConfigurationInput")
        if encryption != old.get("DeliveryStreamEncryptionConfigurationInput"):
            if encryption:
                firehose.start_delivery_stream_encryption(
                    DeliveryStreamName=physical_id, DeliveryStreamEncryptionConfigurationInput=encryption
                )
            else:
                firehose.stop_delivery_stream_encryption(DeliveryStreamName=physical_id)
        retag("firehose", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        firehose = context.client("firehose")
        firehose.delete_delivery_stream(DeliveryStreamName=physical_id)
        context.wait(lambda: not exists(firehose.describe_delivery_stream, DeliveryStreamName=physical_id))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("firehose", f"deliverystream/{physical_id}")}


# --- logs -----------------------------------------------------------------------------------------------------------


class LogGroup(ResourceType):
    supported = frozenset({"KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"})

    def create(self, context: Context, name: str, properties: Properties) -> None:
        logs = context.client("logs")
        names = {"KmsKeyId": "kmsKeyId", "LogGroupClass": "logGroupClass"}
        parameters: Properties = {names[key]: properties[key] for key in names if key in properties}
        logs.create_log_group(logGroupName=name, **parameters, **created_tags("logs", properties, context))
        context.made(name)
        if "RetentionInDays" in properties:
            logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        logs = context.client("logs")
        if "RetentionInDays" in properties:
            logs.put_retention_policy(logGroupName=physical_id, retentionInDays=properties["RetentionInDays"])
        elif "RetentionInDays" in old:
            logs.delete_retention_policy(logGroupName=physical_id)
        retag("logs", context.arn("logs", f"log-group:{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_group(logGroupName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("logs", f"log-group:{physical_id}:*")}


class LogStream(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("logs").create_log_stream(logGroupName=properties["LogGroupName"], logStreamName=name)
        context.made(name)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_stream(logGroupName=properties["LogGroupName"], logStreamName=physical_id)


# --- identity -------------------------------------------------------------------------------------------------------


class Role(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        parameters = picked(properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary")
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
            **parameters,
            **created_tags("iam", properties, context),
        )
        context.made(name)
        self._policies(context, name, properties, {})

    def _policies(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
        for policy in old.get("Policies", []):
            if policy["PolicyName"] not in inline:
                iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
        for policy_name, text in inline.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=document(text))
        attached, before = properties.get("ManagedPolicyArns", []), old.get("ManagedPolicyArns", [])
        for arn in before:
            if arn not in attached:
                iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in attached:
            if arn not in before:
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        iam.update_assume_role_policy(
            RoleName=physical_id, PolicyDocument=document(properties["AssumeRolePolicyDocument"])
        )
        if any(properties.get(key) != old.get(key) for key in ("Description", "MaxSessionDuration")):
            iam.update_role(
                RoleName=physical_id,
                Description=properties.get("Description", ""),
                MaxSessionDuration=properties.get("MaxSessionDuration", 3600),
            )
        if properties.get("PermissionsBoundary") != old.get("PermissionsBoundary"):
            if "PermissionsBoundary" in properties:
                iam.put_role_permissions_boundary(
                    RoleName=physical_id, PermissionsBoundary=properties["PermissionsBoundary"]
                )
            else:
                iam.delete_role_permissions_boundary(RoleName=physical_id)
        self._policies(context, physical_id, properties, old)
        retag("iam", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for policy in properties.get("Policies", []):
            with missing_is_fine():
                iam.delete_role_policy(RoleName=physical_id, PolicyName=policy["PolicyName"])
        for arn in properties.get("ManagedPolicyArns", []):
            with missing_is_fine():
                iam.detach_role_policy(RoleName=physical_id, PolicyArn=arn)
        iam.delete_role(RoleName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        role = context.client("iam").get_role(RoleName=physical_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


HOLDERS = (("Roles", "role", "RoleName"), ("Users", "user", "UserName"), ("Groups", "group", "GroupName"))


class Policy(ResourceType):
    """An inline policy, put into each role, user and group that it names."""

    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # PolicyName is its name within a role, not its physical id

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._put(context, properties)

    def _put(self, context: Context, properties: Properties) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            for holder in properties.get(key, []):
                getattr(iam, f"put_{kind}_policy")(
                    **{parameter: holder},
                    PolicyName=properties["PolicyName"],
                    PolicyDocument=document(properties["PolicyDocument"]),
                )

    def _take(self, context: Context, properties: Properties, kept: set[tuple[str, str, str]]) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            for holder in properties.get(key, []):
                if (key, holder, properties["PolicyName"]) not in kept:
                    with missing_is_fine():
                        getattr(iam, f"delete_{kind}_policy")(
                            **{parameter: holder}, PolicyName=properties["PolicyName"]
                        )

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._put(context, properties)
        kept = {(key, holder, properties["PolicyName"]) for key, _, _ in HOLDERS for holder in properties.get(key, [])}
        self._take(context, old, kept)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._take(context, properties, set())

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class ManagedPolicy(ResourceType):
    name_length = 128

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return f"arn:aws:iam::{context.account}:policy{properties.get('Path', '/')}{name}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        arn = context.client("iam").create_policy(
            PolicyName=name,
            PolicyDocument=document(properties["PolicyDocument"]),
            **picked(properties, "Path", "Description"),
        )["Policy"]["Arn"]
        context.made(arn)
        self._attach(context, arn, properties, {})

    def _attach(self, context: Context, arn: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        for key, kind, parameter in HOLDERS:
            now, before = properties.get(key, []), old.get(key, [])
            for holder in before:
                if holder not in now:
                    with missing_is_fine():
                        getattr(iam, f"detach_{kind}_policy")(**{parameter: holder}, PolicyArn=arn)
            for holder in now:
                if holder not in before:
                    getattr(iam, f"attach_{kind}_policy")(**{parameter: holder}, PolicyArn=arn)

    def _old_versions(self, context: Context, arn: str) -> list[str]:
        versions = context.client("iam").list_policy_versions(PolicyArn=arn)["Versions"]
        return [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        if properties["PolicyDocument"] != old["PolicyDocument"]:
            for version in self._old_versions(context, physical_id):
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version)
            iam.create_policy_version(
                PolicyArn=physical_id, PolicyDocument=document(properties["PolicyDocument"]), SetAsDefault=True
            )
        self._attach(context, physical_id, properties, old)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        self._attach(context, physical_id, {}, properties)
        for version in self._old_versions(context, physical_id):
            iam.delete_policy_version(PolicyArn=physical_id, VersionId=version)
        iam.delete_policy(PolicyArn=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        policy = context.client("iam").get_policy(PolicyArn=physical_id)["Policy"]
        return {
            "PolicyArn": physical_id,
            "PolicyId": policy["PolicyId"],
            "DefaultVersionId": policy["DefaultVersionId"],
        }


class InstanceProfile(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        iam = context.client("iam")
        iam.create_instance_profile(InstanceProfileName=name, **picked(properties, "Path"))
        context.made(name)
        for role in properties["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        iam = context.client("iam")
        for role in old["Roles"]:
            iam.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        for role in properties["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=physical_id, RoleName=role)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for role in properties["Roles"]:
            with missing_is_fine():
                iam.remove_role_from_instance_profile(InstanceProfileName=physical_id, RoleName=role)
        iam.delete_instance_profile(InstanceProfileName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        path = properties.get("Path", "/")
        return {"Arn": f"arn:aws:iam::{context.account}:instance-profile{path}{physical_id}"}


# --- messages and events --------------------------------------------------------------------------------------------


class Queue(ResourceType):
    name_length = 80

    def name(self, context: Context, properties: Properties) -> str:
        made = super().name(context, properties)
        is_fifo = properties.get("FifoQueue") and not made.endswith(".fifo")
        return f"{made[:75]}.fifo" if is_fifo and not properties.get("QueueName") else made

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        try:
            return context.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def create(self, context: Context, name: str, properties: Properties) -> None:
        sqs = context.client("sqs")
        if exists(sqs.get_queue_url, QueueName=name):
            raise context.already_exists(name)
        url = sqs.create_queue(
            QueueName=name,
            Attributes=text_attributes(properties, "QueueName"),
            **created_tags("sqs", properties, context),
        )["QueueUrl"]
        context.made(url)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        sqs = context.client("sqs")
        defaults = {
            "DelaySeconds": "0",
            "MaximumMessageSize": "262144",
            "MessageRetentionPeriod": "345600",
            "ReceiveMessageWaitTimeSeconds": "0",
            "VisibilityTimeout": "30",
        }
        gone = {key: defaults.get(key, "") for key in old if key not in properties and key != "Tags"}
        sqs.set_queue_attributes(
            QueueUrl=physical_id, Attributes={**gone, **text_attributes(properties, "QueueName", "FifoQueue")}
        )
        retag("sqs", physical_id, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("sqs").delete_queue(QueueUrl=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        name = physical_id.rpartition("/")[2]
        return {**properties, "Arn": context.arn("sqs", name), "QueueName": name, "QueueUrl": physical_id}


class QueuePolicy(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(name)
        self._set(context, properties["Queues"], document(properties["PolicyDocument"]))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._clear(context, [url for url in old["Queues"] if url not in properties["Queues"]])
        self._set(context, properties["Queues"], document(properties["PolicyDocument"]))

    def _set(self, context: Context, urls: list[str], policy: str) -> None:
        for url in urls:
            context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._clear(context, properties["Queues"])

    def _clear(self, context: Context, urls: list[str]) -> None:
        for url in urls:
            with missing_is_fine():
                self._set(context, [url], "")

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class WaitConditionHandle(ResourceType):
    """A place to signal to; it needs no service."""

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        host = f"cloudformation-waitcondition-{context.region}.s3.{context.region}.amazonaws.com"
        return f"https://{host}/{context.stack_id}/{name}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(self.physical_id(context, name, properties))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        return None

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        return None

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::CloudFormation::WaitConditionHandle": WaitConditionHandle(),
    "AWS::IAM::InstanceProfile": InstanceProfile(),
    "AWS::IAM::ManagedPolicy": ManagedPolicy(),
    "AWS::IAM::Policy": Policy(),
    "AWS::IAM::Role": Role(),
    "AWS::Kinesis::Stream": KinesisStream(),
    "AWS::KinesisFirehose::DeliveryStream": DeliveryStream(),
    "AWS::Logs::LogGroup": LogGroup(),
    "AWS::Logs::LogStream": LogStream(),
    "AWS::S3::Bucket": Bucket(),
    "AWS::S3::BucketPolicy": BucketPolicy(),
    "AWS::SQS::Queue": Queue(),
    "AWS::SQS::QueuePolicy": QueuePolicy(),
}

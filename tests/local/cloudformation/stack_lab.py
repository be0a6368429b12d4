"""What tests of stacks share: small resources, waiting for a stack, its events, what was refused."""

from tests.polling import until

IAM = ["CAPABILITY_NAMED_IAM"]
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


def rest(cloudformation, stack, seconds=30):
    """Wait until nothing is going on with a stack and return its status."""

    def status():
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return "" if found.endswith("_IN_PROGRESS") else found

    return until(status, f"the rest of {stack}", seconds)


def events(cloudformation, stack):
    """Return (logical id, status, reason) of a stack's events, oldest first."""
    found = cloudformation.describe_stack_events(StackName=stack)["StackEvents"][::-1]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in found]


def reason_of(cloudformation, stack, logical_id, status):
    return next(reason for name, what, reason in events(cloudformation, stack) if (name, what) == (logical_id, status))


def queue(name=None, **properties):
    return {"Type": "AWS::SQS::Queue", "Properties": {**({"QueueName": name} if name else {}), **properties}}


def log_group(name=None, **properties):
    return {"Type": "AWS::Logs::LogGroup", "Properties": {**({"LogGroupName": name} if name else {}), **properties}}


def bucket(name, **properties):
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}


def many(count, **properties):
    return {"Resources": {f"L{n:02d}": log_group(f"/l{n:02d}", **properties) for n in range(count)}}


def complete(cloudformation, stack, status, least):
    """Wait until at least some resources are done."""
    done = lambda: [e for e in events(cloudformation, stack) if e[1] == status and e[0] != "s"]  # noqa: E731
    until(lambda: len(done()) >= least, f"{status} of {least} resources", 20)

"""Lambda's resource types: made, changed and deleted by a stack, and what Ref and GetAtt give."""

import json

from lambda_functions import TRUST, called
from polling import until

SOURCE = "import os\ndef handler(event, context):\n    return [os.environ['WORD'], context.function_version]\n"


def template(word):
    function = {
        "FunctionName": "stacked",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": SOURCE},
        "Environment": {"Variables": {"WORD": word}},
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}},
        "Rights": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "queue",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": [
                                "sqs:ReceiveMessage",
                                "sqs:DeleteMessage",
                                "sqs:GetQueueAttributes",
                                "sqs:GetQueueUrl",
                                "sqs:SendMessage",
                            ],
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    ],
                },
            },
        },
        "Function": {"Type": "AWS::Lambda::Function", "DependsOn": "Rights", "Properties": function},
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            },
        },
        "Url": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": {"Ref": "Function"}, "AuthType": "NONE"},
        },
        "Open": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "FunctionUrlAuthType": "NONE",
            },
        },
        "Invoke": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 5,
            },
        },
    }
    outputs = {
        name: {"Value": value}
        for name, value in {
            "Version": {"Ref": "Version"},
            "Alias": {"Ref": "Alias"},
            "Url": {"Fn::GetAtt": ["Url", "FunctionUrl"]},
            "Mapping": {"Ref": "Mapping"},
        }.items()
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def test_a_stack_makes_changes_and_deletes_functions(client, account):
    cloudformation, functions = client("cloudformation"), client("lambda")
    given = {"StackName": "fn", "Capabilities": ["CAPABILITY_IAM"]}
    cloudformation.create_stack(TemplateBody=template("hello"), **given)
    stack = _done(cloudformation, "CREATE_COMPLETE")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    arn = f"arn:aws:lambda:us-east-1:{account}:function:stacked"
    assert outputs["Version"] == f"{arn}:1" and outputs["Alias"] == f"{arn}:live"
    assert called(client, "stacked") == (["hello", "$LATEST"], None)
    assert called(client, "stacked:live") == (["hello", "1"], None)
    assert functions.get_function_url_config(FunctionName="stacked")["FunctionUrl"] == outputs["Url"]
    assert functions.get_event_source_mapping(UUID=outputs["Mapping"])["BatchSize"] == 5
    assert functions.get_function_event_invoke_config(FunctionName="stacked")["MaximumRetryAttempts"] == 0
    cloudformation.update_stack(TemplateBody=template("HELLO"), **given)
    _done(cloudformation, "UPDATE_COMPLETE")
    assert called(client, "stacked") == (["HELLO", "$LATEST"], None)
    assert called(client, "stacked:live") == (["hello", "1"], None)
    cloudformation.delete_stack(StackName="fn")
    until(lambda: _gone(cloudformation), "the end of the stack")
    assert (
        functions.list_functions()["Functions"] == []
        and functions.list_event_source_mappings()["EventSourceMappings"] == []
    )


def _done(cloudformation, wanted):
    def ask():
        stack = cloudformation.describe_stacks(StackName="fn")["Stacks"][0]
        assert "ROLLBACK" not in stack["StackStatus"], [
            (event["LogicalResourceId"], event.get("ResourceStatusReason"))
            for event in cloudformation.describe_stack_events(StackName="fn")["StackEvents"]
            if "FAILED" in event["ResourceStatus"]
        ]
        return stack if stack["StackStatus"] == wanted else None

    return until(ask, wanted)


def _gone(cloudformation):
    found = cloudformation.list_stacks()["StackSummaries"]
    return all(each["StackStatus"] == "DELETE_COMPLETE" for each in found)

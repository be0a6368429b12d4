"""Operations on stacks go on after a stop and after kill -9."""

import json

from tests.local.cloudformation.stack_lab import IAM, complete, events, many, queue, rest


def test_a_deployment_goes_on_after_an_orderly_stop(own_server, account):
    cloudformation = own_server.client("cloudformation", account)
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(many(40)))
    complete(cloudformation, "s", "CREATE_COMPLETE", 3)
    own_server.stop()
    own_server.restart()
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    assert len(own_server.client("logs", account).describe_log_groups(limit=50)["logGroups"]) == 40
    assert not [event for event in events(cloudformation, "s") if "FAILED" in event[1]]


def test_operations_go_on_after_kill(own_server, account):
    cloudformation = own_server.client("cloudformation", account)
    logs = own_server.client("logs", account)

    def kill():
        own_server.kill()
        own_server.restart()

    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(many(40, RetentionInDays=1)))[
        "StackId"
    ]
    complete(cloudformation, "s", "CREATE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    assert len(logs.describe_log_groups(limit=50)["logGroups"]) == 40

    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(many(40, RetentionInDays=3)))
    complete(cloudformation, "s", "UPDATE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, "s") == "UPDATE_COMPLETE"
    assert {g["retentionInDays"] for g in logs.describe_log_groups(limit=50)["logGroups"]} == {3}

    broken = many(40, RetentionInDays=5)
    broken["Resources"]["Last"] = {**queue("q", Colour="red"), "DependsOn": sorted(broken["Resources"])}
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(broken))
    complete(cloudformation, "s", "UPDATE_COMPLETE", 43)
    kill()
    assert rest(cloudformation, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert {g["retentionInDays"] for g in logs.describe_log_groups(limit=50)["logGroups"]} == {3}

    cloudformation.delete_stack(StackName="s")
    complete(cloudformation, stack_id, "DELETE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert logs.describe_log_groups()["logGroups"] == []


def test_a_function_of_a_stack_survives_kill(own_server, account):
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                        ],
                    }
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "made",
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
                },
            },
        }
    }  # fmt: skip
    cloudformation = own_server.client("cloudformation", account)
    stack = cloudformation.create_stack(StackName="functions", TemplateBody=json.dumps(template), Capabilities=IAM)[
        "StackId"
    ]
    assert rest(cloudformation, stack) == "CREATE_COMPLETE"
    own_server.kill()
    own_server.restart()
    functions = own_server.client("lambda", account)
    assert functions.get_function(FunctionName="made")["Configuration"]["Handler"] == "index.handler"
    cloudformation.delete_stack(StackName=stack)
    assert rest(cloudformation, stack) == "DELETE_COMPLETE"
    assert functions.list_functions()["Functions"] == []

"""Alarms and dashboards of CloudWatch in stacks: made, changed in place, deleted."""

import json


def template(threshold: int) -> dict:
    alarm = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}
    how = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60, "Threshold": threshold}
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": str(threshold)}}]})
    tags = [{"Key": "at", "Value": str(threshold)}]
    return {
        "Resources": {
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {**alarm, **how, "Tags": tags}},
            "Board": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardName": "b", "DashboardBody": body},
            },
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}, "Name": {"Value": {"Ref": "Alarm"}}},
    }


def test_alarms_and_dashboards(client, cloudformation, create, update):
    cloudwatch = client("cloudwatch")
    stack, status = create("s", template(1))
    assert status == "CREATE_COMPLETE", cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    (described,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    def seen() -> list:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[outputs["Name"]])["MetricAlarms"]
        tags = {t["Key"]: t["Value"] for t in cloudwatch.list_tags_for_resource(ResourceARN=outputs["Arn"])["Tags"]}
        board = json.loads(cloudwatch.get_dashboard(DashboardName="b")["DashboardBody"])
        return [alarm["AlarmArn"], alarm["Threshold"], tags["at"], board["widgets"][0]["properties"]["markdown"]]

    assert seen() == [outputs["Arn"], 1, "1", "1"]
    assert update("s", template(2)) == "UPDATE_COMPLETE"
    assert seen() == [outputs["Arn"], 2, "2", "2"]
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    assert not cloudwatch.describe_alarms()["MetricAlarms"] and not cloudwatch.list_dashboards()["DashboardEntries"]

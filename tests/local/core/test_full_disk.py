"""A disk that takes some writes and refuses others: what was refused is not seen, what was acknowledged stays, also after a kill."""

from __future__ import annotations

import io
import json
import random
import resource
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server
from tests.polling import until

LIMITS = (
    0,
    0,
    0,
    800,
    5_000,
    40_000,
)  # bytes to which a file may grow: what comes first in a change may fit, and the rest not
REFUSED = "could not write to its disk"
Clients = Callable[[str], Any]
Change = Callable[[], Any]
Picture = Callable[[], Any]


def role(clients: Clients, service: str) -> str:
    iam, name = clients("iam"), f"for-{service}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    iam.put_role_policy(
        RoleName=name, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights})
    )
    return made["Role"]["Arn"]


def ssm(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("ssm")
    return [
        lambda: c.put_parameter(Name="p", Value="one", Type="String"),
        lambda: c.put_parameter(Name="p", Value="two", Type="String", Overwrite=True),
        lambda: c.put_parameter(Name="q", Value="three", Type="String"),
        lambda: c.add_tags_to_resource(ResourceType="Parameter", ResourceId="p", Tags=[{"Key": "a", "Value": "b"}]),
        lambda: c.delete_parameter(Name="p"),
    ], lambda: [
        c.get_parameters(Names=["p", "q"]),
        c.describe_parameters(),
        c.describe_parameters(ParameterFilters=[{"Key": "tag:a", "Values": ["b"]}]),
    ]


def iam(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("iam")
    return [
        lambda: c.create_user(UserName="u"),
        lambda: c.create_group(GroupName="g"),
        lambda: c.add_user_to_group(UserName="u", GroupName="g"),
        lambda: c.remove_user_from_group(UserName="u", GroupName="g"),
        lambda: c.delete_user(UserName="u"),
    ], lambda: [c.list_users(), c.list_groups(), c.get_account_authorization_details(Filter=["User", "Group"])]


def s3(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("s3")
    c.create_bucket(Bucket="lake")
    return [
        lambda: c.put_object(Bucket="lake", Key="k", Body=b"one"),
        lambda: c.put_object(Bucket="lake", Key="k", Body=b"two" * 1000),
        lambda: c.put_object(Bucket="lake", Key="l", Body=b"x" * 30_000),
        lambda: c.copy_object(Bucket="lake", Key="m", CopySource={"Bucket": "lake", "Key": "k"}),
        lambda: c.put_object_tagging(Bucket="lake", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
        lambda: c.create_bucket(Bucket="other"),
        lambda: c.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"}),
        lambda: c.put_object(Bucket="lake", Key="k", Body=b"three"),
        lambda: c.delete_object(Bucket="lake", Key="k"),
        lambda: c.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "l"}, {"Key": "m"}]}),
        lambda: c.delete_bucket(Bucket="other"),
    ], lambda: [
        [each["Name"] for each in c.list_buckets()["Buckets"]],
        c.list_object_versions(Bucket="lake"),
        c.get_bucket_versioning(Bucket="lake"),
        [
            [c.get_object(Bucket="lake", Key=each["Key"])["Body"].read(), c.get_object_tagging(Bucket="lake", Key=each["Key"])["TagSet"]]
            for each in c.list_objects_v2(Bucket="lake").get("Contents", [])
        ],
    ]  # fmt: skip


def glue_catalog(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("glue")
    c.create_database(DatabaseInput={"Name": "kept"})
    table = {
        "Name": "t",
        "PartitionKeys": [{"Name": "n", "Type": "int"}],
        "StorageDescriptor": {"Location": "s3://b/t/"},
    }
    part = [{"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://b/t/n={n}/"}} for n in range(40)]
    on = {"DatabaseName": "kept", "TableName": "t"}

    def picture() -> Any:
        tables = c.get_tables(DatabaseName="kept")["TableList"]
        there = [c.get_partitions(**on), c.get_table_versions(**on)] if tables else []
        return [c.get_databases(), tables, there]

    return [
        lambda: c.create_database(DatabaseInput={"Name": "d"}),
        lambda: c.create_table(DatabaseName="kept", TableInput=table),
        lambda: c.create_partition(**on, PartitionInput=part[0]),
        lambda: c.batch_create_partition(**on, PartitionInputList=part[1:]),
        lambda: c.update_partition(**on, PartitionValueList=["0"], PartitionInput=part[0] | {"Parameters": {"a": "b"}}),
        lambda: c.delete_partition(**on, PartitionValues=["1"]),
        lambda: c.update_table(DatabaseName="kept", TableInput=table | {"Description": "d"}),
        lambda: c.delete_table(DatabaseName="kept", Name="t"),
        lambda: c.delete_database(Name="d"),
    ], picture


def glue_jobs(clients: Clients) -> tuple[list[Change], Picture]:
    c, name = clients("glue"), role(clients, "glue")
    clients("s3").create_bucket(Bucket="scripts")
    clients("s3").put_object(Bucket="scripts", Key="s.py", Body=b"print('done')")
    command = {"Name": "pythonshell", "ScriptLocation": "s3://scripts/s.py", "PythonVersion": "3.9"}
    c.create_job(Name="kept", Role=name, Command=command)
    c.create_database(DatabaseInput={"Name": "d"})

    def picture() -> Any:
        runs = [each["Id"] for each in c.get_job_runs(JobName="kept")["JobRuns"]]  # they go on meanwhile
        crawlers = [[each["Name"], each["Version"], each["Targets"]] for each in c.get_crawlers()["Crawlers"]]
        crawls = [len(c.list_crawls(CrawlerName=each[0])["Crawls"]) for each in crawlers]
        return [c.get_jobs(), runs, crawlers, crawls, c.get_classifiers()]

    targets = {"S3Targets": [{"Path": "s3://scripts/"}]}
    return [
        lambda: c.create_job(Name="j", Role=name, Command=command),
        lambda: c.update_job(JobName="j", JobUpdate={"Role": name, "Command": command, "Description": "d"}),
        lambda: c.start_job_run(JobName="kept"),
        lambda: c.delete_job(JobName="j"),
        lambda: c.create_classifier(JsonClassifier={"Name": "c", "JsonPath": "$[*]"}),
        lambda: c.create_crawler(Name="w", Role=name, DatabaseName="d", Targets=targets),
        lambda: c.update_crawler(Name="w", Description="d"),
        lambda: c.start_crawler(Name="w"),
    ], picture


def flink(clients: Clients) -> tuple[list[Change], Picture]:
    c, arn = clients("kinesisanalyticsv2"), role(clients, "kinesisanalytics")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("main.py", "print('x')")
    code = {"CodeContentType": "ZIPFILE", "CodeContent": {"ZipFileContent": packed.getvalue()}}
    given = {
        "ApplicationName": "a",
        "RuntimeEnvironment": "FLINK-1_20",
        "ServiceExecutionRole": arn,
        "ApplicationConfiguration": {"ApplicationCodeConfiguration": code},
    }

    def picture() -> Any:
        there = [each["ApplicationName"] for each in c.list_applications()["ApplicationSummaries"]]
        details = [c.describe_application(ApplicationName=each) for each in there]
        operations = [c.list_application_operations(ApplicationName=each) for each in there]
        return [details, operations, [c.list_application_versions(ApplicationName=each) for each in there]]

    def created() -> Any:
        return c.describe_application(ApplicationName="a")["ApplicationDetail"]["CreateTimestamp"]

    update = {"FlinkApplicationConfigurationUpdate": {"ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 1, "AutoScalingEnabledUpdate": False}}}  # fmt: skip
    return [
        lambda: c.create_application(**given),
        lambda: c.update_application(ApplicationName="a", CurrentApplicationVersionId=1, ApplicationConfigurationUpdate=update),
        lambda: c.create_application(**given | {"ApplicationName": "b"}),
        lambda: c.delete_application(ApplicationName="a", CreateTimestamp=created()),
    ], picture  # fmt: skip


def databrew(clients: Clients) -> tuple[list[Change], Picture]:
    c, arn = clients("databrew"), role(clients, "databrew")
    source = {"S3InputDefinition": {"Bucket": "bucket", "Key": "k.csv"}}
    step = {"Action": {"Operation": "UPPER_CASE", "Parameters": {"sourceColumn": "a"}}}
    return [
        lambda: c.create_dataset(Name="d", Input=source, Format="CSV"),
        lambda: c.update_dataset(Name="d", Input=source, Format="JSON"),
        lambda: c.create_recipe(Name="r", Steps=[step]),
        lambda: c.update_recipe(Name="r", Steps=[step, step]),
        lambda: c.publish_recipe(Name="r"),
        lambda: c.create_profile_job(Name="j", DatasetName="d", RoleArn=arn, OutputLocation={"Bucket": "bucket"}),
        lambda: c.create_project(Name="p", DatasetName="d", RecipeName="r", RoleArn=arn),
        lambda: c.create_schedule(Name="s", CronExpression="cron(0 12 * * ? *)", JobNames=["j"]),
        lambda: c.delete_schedule(Name="s"),
        lambda: c.delete_job(Name="j"),
    ], lambda: [c.list_datasets(), c.list_recipes(RecipeVersion="LATEST_WORKING"), c.list_recipe_versions(Name="r")["Recipes"],
                c.list_jobs(), c.list_projects(), c.list_schedules()]  # fmt: skip


def lambda_(clients: Clients) -> tuple[list[Change], Picture]:
    c, arn = clients("lambda"), role(clients, "lambda")

    def packed(text: str) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as file:
            file.writestr("app.py", text)
        return made.getvalue()

    given = {"Runtime": "python3.11", "Role": arn, "Handler": "app.handler"}
    code = "def handler(event, context):\n    return 1\n"

    def picture() -> Any:
        names = [each["FunctionName"] for each in c.list_functions()["Functions"]]
        for each in names:
            until(lambda: _is_settled(c.get_function_configuration(FunctionName=each)), "a function that is active")  # noqa: B023
        functions = [c.get_function(FunctionName=each)["Configuration"]["CodeSha256"] for each in names]
        versions = [
            [c.list_versions_by_function(FunctionName=each), c.list_aliases(FunctionName=each)] for each in names
        ]
        rights = [_policy(c, each) for each in names]
        return [names, functions, versions, rights, c.list_layers()]

    return [
        lambda: c.create_function(FunctionName="f", Code={"ZipFile": packed(code)}, **given),
        lambda: c.update_function_configuration(FunctionName="f", Timeout=7),
        lambda: c.update_function_code(FunctionName="f", ZipFile=packed(code + "# two\n")),
        lambda: c.publish_version(FunctionName="f"),
        lambda: c.create_alias(FunctionName="f", Name="live", FunctionVersion="1"),
        lambda: c.publish_layer_version(LayerName="l", Content={"ZipFile": packed("x = 1\n")}),
        lambda: c.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"),
        lambda: c.delete_alias(FunctionName="f", Name="live"),
        lambda: c.delete_function(FunctionName="f"),
    ], picture  # fmt: skip


def _policy(c: Any, function: str) -> str:
    try:
        return c.get_policy(FunctionName=function)["Policy"]
    except c.exceptions.ResourceNotFoundException:
        return ""


def _is_settled(function: dict[str, Any]) -> bool:
    return function["State"] == "Active" and function["LastUpdateStatus"] == "Successful"


def events(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("events")
    arn = clients("sqs").create_queue(QueueName="target")["QueueUrl"].rsplit("/", 2)
    target = {"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{arn[1]}:target"}

    def picture() -> Any:
        rules = c.list_rules()["Rules"]
        return [
            rules,
            [c.list_targets_by_rule(Rule=each["Name"])["Targets"] for each in rules],
            c.list_event_buses(),
            c.list_archives(),
        ]

    return [
        lambda: c.put_rule(Name="r", ScheduleExpression="rate(1 hour)"),
        lambda: c.put_targets(Rule="r", Targets=[target]),
        lambda: c.put_rule(Name="e", EventPattern='{"source":["x"]}'),
        lambda: c.disable_rule(Name="r"),
        lambda: c.create_event_bus(Name="bus"),
        lambda: c.remove_targets(Rule="r", Ids=["1"]),
        lambda: c.delete_rule(Name="r"),
        lambda: c.delete_event_bus(Name="bus"),
    ], picture  # fmt: skip


def scheduler(clients: Clients) -> tuple[list[Change], Picture]:
    c, arn = clients("scheduler"), role(clients, "scheduler")
    target = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "RoleArn": arn}
    given = {"Name": "s", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}

    def picture() -> Any:
        return [
            [c.get_schedule(Name=each["Name"]) for each in c.list_schedules()["Schedules"]],
            c.list_schedule_groups(),
        ]

    return [
        lambda: c.create_schedule(**given, ScheduleExpression="rate(1 hour)"),
        lambda: c.update_schedule(**given, ScheduleExpression="rate(2 hours)"),
        lambda: c.create_schedule_group(Name="g"),
        lambda: c.delete_schedule(Name="s"),
        lambda: c.delete_schedule_group(Name="g"),
    ], picture  # fmt: skip


def sqs(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("sqs")
    url = c.create_queue(QueueName="kept")["QueueUrl"]
    count = {"AttributeNames": ["All"], "QueueUrl": url}
    return [
        lambda: c.create_queue(QueueName="q"),
        lambda: c.send_message(QueueUrl=url, MessageBody="one"),
        lambda: c.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(10)]),
        lambda: c.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"}),
        lambda: c.tag_queue(QueueUrl=url, Tags={"a": "b"}),
        lambda: c.purge_queue(QueueUrl=url),
        lambda: c.delete_queue(QueueUrl=url.replace("kept", "q")),
    ], lambda: [c.list_queues(), c.get_queue_attributes(**count), c.list_queue_tags(QueueUrl=url)]


def sns(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("sns")
    arn = c.create_topic(Name="kept")["TopicArn"]
    return [
        lambda: c.create_topic(Name="t"),
        lambda: c.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=arn.replace(":sns:", ":sqs:")),
        lambda: c.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: c.delete_topic(TopicArn=arn.replace("kept", "t")),
    ], lambda: [c.list_topics(), c.list_subscriptions(), c.list_tags_for_resource(ResourceArn=arn)]


def states(clients: Clients) -> tuple[list[Change], Picture]:
    c, name = clients("stepfunctions"), role(clients, "states")
    definition = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    kept = c.create_state_machine(name="kept", definition=definition, roleArn=name)["stateMachineArn"]

    def picture() -> Any:
        machines = [each["stateMachineArn"] for each in c.list_state_machines()["stateMachines"]]
        executions = [each["name"] for each in c.list_executions(stateMachineArn=kept)["executions"]]
        versions = c.list_state_machine_versions(stateMachineArn=kept)
        return [
            [c.describe_state_machine(stateMachineArn=each) for each in machines],
            c.list_tags_for_resource(resourceArn=kept),
            executions,
            versions,
            c.list_activities(),
        ]

    return [
        lambda: c.create_state_machine(name="m", definition=definition, roleArn=name),
        lambda: c.update_state_machine(stateMachineArn=kept, definition=definition.replace("P", "Q").replace("Qass", "Pass")),
        lambda: c.publish_state_machine_version(stateMachineArn=kept),
        lambda: c.start_execution(stateMachineArn=kept, name="e"),
        lambda: c.create_activity(name="a"),
        lambda: c.tag_resource(resourceArn=kept, tags=[{"key": "a", "value": "b"}]),
        lambda: c.delete_state_machine(stateMachineArn=kept.replace("kept", "m")),
    ], picture  # fmt: skip


def logs(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("logs")
    c.create_log_group(logGroupName="kept")
    c.create_log_stream(logGroupName="kept", logStreamName="s")
    lines = [{"timestamp": int(time.time() * 1000), "message": f"line {n} " + "x" * 200} for n in range(100)]
    on = {"logGroupName": "kept", "logStreamName": "s"}
    return [
        lambda: c.create_log_group(logGroupName="g"),
        lambda: c.put_log_events(**on, logEvents=lines[:1]),
        lambda: c.put_log_events(**on, logEvents=lines),
        lambda: c.put_retention_policy(logGroupName="g", retentionInDays=7),
        lambda: c.delete_log_group(logGroupName="g"),
    ], lambda: [
        [[each["logGroupName"], each.get("retentionInDays")] for each in c.describe_log_groups()["logGroups"]],
        [each["message"] for each in c.get_log_events(**on, startFromHead=True)["events"]],
    ]  # fmt: skip


def metrics(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("cloudwatch")
    return [
        lambda: c.put_metric_data(Namespace="n", MetricData=[{"MetricName": "a", "Value": 1.0}]),
        lambda: c.put_metric_data(Namespace="n", MetricData=[{"MetricName": f"m{n}", "Value": 1.0} for n in range(200)]),
        lambda: c.put_dashboard(DashboardName="d", DashboardBody='{"widgets":[]}'),
        lambda: c.delete_dashboards(DashboardNames=["d"]),
    ], lambda: [sorted(each["MetricName"] for each in c.list_metrics(Namespace="n")["Metrics"]),
                [each["DashboardName"] for each in c.list_dashboards()["DashboardEntries"]]]  # fmt: skip


def athena(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("athena")
    c.create_work_group(Name="kept")
    on = {"WorkGroup": "w", "StatementName": "statement"}

    def picture() -> Any:
        groups = [each["Name"] for each in c.list_work_groups()["WorkGroups"]]
        own = [c.list_prepared_statements(WorkGroup=each)["PreparedStatements"] for each in groups]
        queries = [c.list_named_queries(WorkGroup=each)["NamedQueryIds"] for each in groups]
        return [[c.get_work_group(WorkGroup=each)["WorkGroup"] for each in groups], own, queries]

    return [
        lambda: c.create_work_group(Name="w"),
        lambda: c.update_work_group(WorkGroup="w", Description="d"),
        lambda: c.create_named_query(Name="q", Database="d", QueryString="SELECT 1", WorkGroup="w"),
        lambda: c.create_prepared_statement(**on, QueryStatement="SELECT 1"),
        lambda: c.update_prepared_statement(**on, QueryStatement="SELECT 2"),
        lambda: c.delete_prepared_statement(**on),
        lambda: c.delete_work_group(WorkGroup="w", RecursiveDeleteOption=True),
    ], picture


def dynamodb(clients: Clients) -> tuple[list[Change], Picture]:
    """A service that is moto's alone."""
    c = clients("dynamodb")
    key = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST",
           "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}  # fmt: skip
    c.create_table(TableName="kept", **key)
    return [
        lambda: c.create_table(TableName="t", **key),
        lambda: c.put_item(TableName="kept", Item={"k": {"S": "a"}, "v": {"S": "x" * 2000}}),
        lambda: c.put_item(TableName="kept", Item={"k": {"S": "b"}}),
        lambda: c.delete_item(TableName="kept", Key={"k": {"S": "a"}}),
        lambda: c.delete_table(TableName="t"),
    ], lambda: [c.list_tables()["TableNames"], sorted(str(each) for each in c.scan(TableName="kept")["Items"])]


def kinesis(clients: Clients) -> tuple[list[Change], Picture]:
    c = clients("kinesis")
    c.create_stream(StreamName="kept", ShardCount=1)
    arn = c.describe_stream_summary(StreamName="kept")["StreamDescriptionSummary"]["StreamARN"]
    c.put_record(StreamName="kept", Data=b"stays", PartitionKey="p")

    def picture() -> Any:
        names = c.list_streams()["StreamNames"]
        shards = [c.list_shards(StreamName=name)["Shards"] for name in names]
        at = c.get_shard_iterator(StreamName="kept", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
        records = [each["Data"] for each in c.get_records(ShardIterator=at["ShardIterator"])["Records"]]
        consumers = c.list_stream_consumers(StreamARN=arn)["Consumers"]
        return [names, shards, records, consumers, c.list_tags_for_stream(StreamName="kept")]

    return [
        lambda: c.create_stream(StreamName="other", ShardCount=2),
        lambda: c.split_shard(StreamName="kept", ShardToSplit="shardId-000000000000", NewStartingHashKey="5"),
        lambda: c.register_stream_consumer(StreamARN=arn, ConsumerName="c"),
        lambda: c.add_tags_to_stream(StreamName="kept", Tags={"a": "b"}),
        lambda: c.update_shard_count(StreamName="kept", TargetShardCount=1, ScalingType="UNIFORM_SCALING"),
        lambda: c.deregister_stream_consumer(StreamARN=arn, ConsumerName="c"),
        lambda: c.delete_stream(StreamName="other"),
    ], picture


def firehose(clients: Clients) -> tuple[list[Change], Picture]:
    c, arn = clients("firehose"), role(clients, "firehose")
    hints = {"SizeInMBs": 1, "IntervalInSeconds": 900}
    settings = {"RoleARN": arn, "BucketARN": "arn:aws:s3:::nowhere", "BufferingHints": hints}
    c.create_delivery_stream(DeliveryStreamName="kept", ExtendedS3DestinationConfiguration=settings)
    update = {
        "DeliveryStreamName": "kept",
        "CurrentDeliveryStreamVersionId": "1",
        "DestinationId": "destinationId-000000000001",
    }

    def picture() -> Any:
        names = c.list_delivery_streams()["DeliveryStreamNames"]
        return [
            [
                c.describe_delivery_stream(DeliveryStreamName=name),
                c.list_tags_for_delivery_stream(DeliveryStreamName=name),
            ]
            for name in names
        ]

    return [
        lambda: c.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=settings),
        lambda: c.update_destination(**update, ExtendedS3DestinationUpdate={"Prefix": "new/"}),
        lambda: c.tag_delivery_stream(DeliveryStreamName="kept", Tags=[{"Key": "a", "Value": "b"}]),
        lambda: c.start_delivery_stream_encryption(DeliveryStreamName="kept"),
        lambda: c.delete_delivery_stream(DeliveryStreamName="d"),
    ], picture


SCENES = (kinesis, firehose, ssm, iam, s3, glue_catalog, glue_jobs, flink, databrew, lambda_, events, scheduler, sqs, sns, states, logs, metrics, athena, dynamodb)  # fmt: skip


def plain(value: Any) -> Any:
    """What an answer says, without what differs each time it is given."""
    if isinstance(value, dict):
        return {
            name: plain(each) for name, each in value.items() if name not in ("ResponseMetadata", "CrawlElapsedTime")
        }
    return [plain(each) for each in value] if isinstance(value, list) else value


def refused(server: Server, limit: int, change: Change) -> bool:
    """Make a change while no file of the server can grow beyond a limit; tell whether it was refused for that."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        change()
    except ClientError as error:
        assert REFUSED in str(error), error
        return True
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
    return False


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = Server(tmp_path_factory.mktemp("small"))
    yield running
    running.stop()


pictures: dict[str, tuple[Picture, Any]] = {}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_what_was_refused_is_not_seen(small_disk: Server, account: str, scene: Any) -> None:
    chance, clients = random.Random(scene.__name__), {}

    def client(name: str) -> Any:
        return clients.setdefault(name, small_disk.client(name, account))

    changes, picture = scene(client)
    seen, refusals = plain(picture()), 0
    for number, change in enumerate(changes):
        limit = LIMITS[0] if number == 0 else chance.choice(LIMITS)
        if refused(small_disk, limit, change):
            refusals += 1
            assert plain(picture()) == seen, (number, limit)
            change()  # there is room again
        now = plain(picture())
        assert now != seen, number
        seen = now
    assert refusals
    pictures[scene.__name__] = picture, seen


def test_what_was_acknowledged_is_there_after_a_kill(small_disk: Server) -> None:
    if not pictures:
        pytest.skip("runs after the scenes")
    small_disk.kill()
    small_disk.restart()
    for name, (picture, seen) in pictures.items():
        assert plain(picture()) == seen, name

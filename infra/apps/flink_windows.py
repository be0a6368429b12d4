"""A Flink application: events per minute of event time, from one stream into another. Names come from the property group `streams`."""

import json

from pyflink.table import EnvironmentSettings, TableEnvironment

groups = json.load(open("/etc/flink/application_properties.json"))
names = next(group["PropertyMap"] for group in groups if group["PropertyGroupId"] == "streams")
kinesis = (
    f"'connector' = 'kinesis', 'aws.region' = '{names['region']}', 'format' = 'json', "
    "'json.timestamp-format.standard' = 'SQL'"
)
source = (
    f"{kinesis}, 'stream' = '{names['source']}', 'json.ignore-parse-errors' = 'true', "
    f"'scan.stream.initpos' = 'AT_TIMESTAMP', 'scan.stream.initpos-timestamp' = '{names['since']}', "
    "'scan.stream.initpos-timestamp-format' = 'yyyy-MM-dd''T''HH:mm:ss'"
)
flink = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
flink.execute_sql(
    "CREATE TABLE events (device_ts TIMESTAMP(3), WATERMARK FOR device_ts AS device_ts - INTERVAL '5' SECOND) "
    f"WITH ({source})"
)
flink.execute_sql(
    f"CREATE TABLE results (window_start TIMESTAMP(3), events BIGINT) WITH ({kinesis}, 'stream' = '{names['sink']}')"
)
flink.execute_sql(
    "INSERT INTO results SELECT window_start, COUNT(*) FROM TABLE("
    "TUMBLE(TABLE events, DESCRIPTOR(device_ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end"
)

"""The speed layer, a Flink application: how many events each bucket of ten seconds has so far, told anew with every event.

Source, sink and the sliding windows (`size/slide` in seconds, with commas between) come from the property group `streams`. The OVER window counts in the order in which events come, whatever their time is: a late
one raises the count of its old bucket. After a restart from a checkpoint the same events give the same counts again, so that whoever keeps the
largest count of a bucket counts nothing twice.
"""

import json
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

groups = json.loads(Path("/etc/flink/application_properties.json").read_text())
names = next(group["PropertyMap"] for group in groups if group["PropertyGroupId"] == "streams")
kinesis = f"'connector' = 'kinesis', 'aws.region' = '{names['region']}', 'format' = 'json'"

flink = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
flink.execute_sql(f"""
    CREATE TABLE events (
        device_ts STRING, activity_type STRING, seen AS PROCTIME(), happened AS TO_TIMESTAMP(device_ts, 'yyyy-MM-dd HH:mm:ss.SSS'),
        WATERMARK FOR happened AS happened - INTERVAL '2' SECOND
    ) WITH ({kinesis}, 'stream' = '{names["source"]}', 'scan.stream.initpos' = 'AT_TIMESTAMP',
            'scan.stream.initpos-timestamp' = '{names["since"]}')
""")
flink.execute_sql(f"""
    CREATE TABLE results (kind STRING, bucket STRING, activity_type STRING, events BIGINT)
    WITH ({kinesis}, 'stream' = '{names["sink"]}')
""")

statements = flink.create_statement_set()
statements.add_insert_sql("""
    INSERT INTO results
    SELECT 'bucket', bucket, activity_type, COUNT(*) OVER (
        PARTITION BY bucket, activity_type ORDER BY seen RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
    FROM (SELECT SUBSTRING(device_ts, 1, 18) || '0' AS bucket, activity_type, seen FROM events)
""")
for window in names["windows"].split(","):  # those of the document that started this: one total each, no buckets
    size, slide = window.split("/")
    statements.add_insert_sql(f"""
        INSERT INTO results
        SELECT 'window {window}', CAST(window_end AS STRING), '-', COUNT(*)
        FROM TABLE(HOP(TABLE events, DESCRIPTOR(happened), INTERVAL '{slide}' SECOND, INTERVAL '{size}' SECOND))
        GROUP BY window_start, window_end
    """)
statements.execute()

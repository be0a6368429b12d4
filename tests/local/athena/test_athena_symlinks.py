"""Tables over manifests (SymlinkTextInputFormat), as Delta's and S3 Inventory's are: the named files are read, not the names."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import boto3
import pyarrow as pa

from tests.local.athena.athena_lake import LAZY, PARQUET, Lake, parquet
from tests.service_roles import policy, put_rights

MANIFEST = "_symlink_format_manifest"


def create(lake: Lake, name: str, columns: str, serde: str, location: str, more: str = "") -> None:
    lake.ok(
        f"""CREATE EXTERNAL TABLE {name} ({columns}) {more} ROW FORMAT SERDE {serde}
        STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION 's3://{lake.bucket}/{location}'"""
    )


def test_partitions_of_parquet_files_that_manifests_name(lake: Lake) -> None:
    """What Delta's GENERATE writes: the file that is not named is of an older version."""
    for day, numbers in (("01", [1, 2]), ("02", [3])):
        lake.put(f"d/day={day}/new.parquet", parquet(n=pa.array(numbers)))
        lake.put(f"d/day={day}/old.parquet", parquet(n=pa.array([9])))
        lake.put(f"d/{MANIFEST}/day={day}/manifest", f"s3://{lake.bucket}/d/day={day}/new.parquet\n")
    create(lake, "d", "n bigint", f"'{PARQUET}'", f"d/{MANIFEST}/", "PARTITIONED BY (day string)")
    lake.ok("MSCK REPAIR TABLE d")
    assert lake.rows("SELECT n, day FROM d ORDER BY n") == [["1", "01"], ["2", "01"], ["3", "02"]]
    assert lake.rows("SELECT sum(n), max(\"$path\") FROM d WHERE day = '02'") == [
        ["3", f"s3://{lake.bucket}/d/day=02/new.parquet"]
    ]
    lake.put(f"d/{MANIFEST}/day=01/manifest", f"s3://{lake.bucket}/d/day=01/gone.parquet\n")
    place = f"s3://{lake.bucket}/d/day=01"
    assert lake.reason("SELECT n FROM d") == (
        f"HIVE_FILE_NOT_FOUND: Manifest file from the location [{place}] contains non-existent path: {place}/gone.parquet"
    )
    assert lake.rows("SELECT n FROM d WHERE day = '02'") == [["3"]]
    assert lake.reason("INSERT INTO d VALUES (1, '03')").startswith("NOT_SUPPORTED")


def test_text_files_of_several_folders_and_buckets(lake: Lake) -> None:
    lake.put("x/a.csv", "1,a\n")
    lake.put("y/b.csv.gz", gzip.compress(b"2,b\n"))
    lake.s3.put_object(Bucket=lake.out, Key="c.csv", Body=b"3,c\n")
    lake.put("hive/one/symlink.txt", f"s3://{lake.bucket}/x/a.csv\r\ns3://{lake.bucket}/y/b.csv.gz")
    lake.put("hive/two/symlink.txt", f"s3a://{lake.out}/c.csv\ns3://{lake.bucket}/x/a.csv\n\n")
    create(lake, "s", "id int, name string", f"'{LAZY}' WITH SERDEPROPERTIES ('field.delim' = ',')", "hive/")
    execution = lake.ok("SELECT * FROM s ORDER BY id")
    assert lake.results(execution)[1:] == [["1", "a"], ["1", "a"], ["2", "b"], ["3", "c"]]
    lake.put("hive/two/symlink.txt", "id,name\n")
    assert lake.reason("SELECT * FROM s") == f"HIVE_BAD_DATA: Error parsing symlinks from: s3://{lake.bucket}/hive/two"


def test_the_caller_needs_rights_to_each_file(
    lake: Lake, server: Any, client: Callable[..., Any], account: str
) -> None:
    lake.put("x/a", "1\n")
    lake.put("secret/b", "2\n")
    lake.put("m/manifest", f"s3://{lake.bucket}/x/a\ns3://{lake.bucket}/secret/b\n")
    create(lake, "s", "id int", f"'{LAZY}'", "m/")
    iam = client("iam")
    trust = policy({"Principal": {"AWS": account}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    denied = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{lake.bucket}/secret/*"}
    put_rights(client, "reader", {"Action": "*", "Resource": "*"}, denied)
    keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    assert lake.rows("SELECT id FROM s ORDER BY id") == [["1"], ["2"]]
    lake.athena = boto3.client(
        "athena", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )  # fmt: skip
    assert lake.reason("SELECT id FROM s") == f"Permission denied on S3 path: s3://{lake.bucket}/secret/b"

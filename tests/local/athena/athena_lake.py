"""What the Athena tests share: a lake of two buckets in an account of the test's own, and one call that runs a statement."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
LONG = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) c(z) WHERE (x * y + z) % 7 = 3"
)

SECONDS = 30.0
OPENX = "org.openx.data.jsonserde.JsonSerDe"
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


class Lake:
    """Buckets `<name>-lake` and `<name>-out`, database `db`."""

    def __init__(self, client: Callable[..., Any], account: str):
        self.s3, self.glue, self.athena = client("s3"), client("glue"), client("athena")
        self.bucket, self.out = f"lake-{account}", f"out-{account}"
        for bucket in (self.bucket, self.out):
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": "db"})

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_json(self, key: str, *records: dict[str, Any]) -> None:
        self.put(key, "".join(json.dumps(record) + "\n" for record in records))

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def table(
        self, name: str, columns: str, location: str, keys: str = "", serde: str = OPENX,
        serde_parameters: dict[str, str] | None = None, parameters: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Put a table into Glue; columns and keys as "a int, b string" (no commas inside types: use ; to separate then)."""
        self.glue.create_table(
            DatabaseName="db",
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters or {},
                "PartitionKeys": _columns(keys),
                "StorageDescriptor": {
                    "Columns": _columns(columns),
                    "Location": f"s3://{self.bucket}/{location}",
                    "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters or {}},
                },
            },
        )

    def start(self, query: str, **settings: Any) -> str:
        settings.setdefault("ResultConfiguration", {"OutputLocation": f"s3://{self.out}/results/"})
        settings.setdefault("QueryExecutionContext", {"Database": "db"})
        return self.athena.start_query_execution(QueryString=query, **settings)["QueryExecutionId"]

    def wait(self, identifier: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            execution = self.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            if execution["Status"]["State"] in FINAL:
                return execution
            time.sleep(0.01)
        raise AssertionError(f"query {identifier} did not end in {SECONDS} s")

    def run(self, query: str, **settings: Any) -> dict[str, Any]:
        """Run a statement to its end, whatever that is."""
        return self.wait(self.start(query, **settings))

    def ok(self, query: str, **settings: Any) -> dict[str, Any]:
        """Run a statement that must succeed."""
        execution = self.run(query, **settings)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"].get("StateChangeReason")
        return execution

    def reason(self, query: str, **settings: Any) -> str:
        """Run a statement that must fail; return why."""
        execution = self.run(query, **settings)
        assert execution["Status"]["State"] == "FAILED", execution["Status"]
        return execution["Status"]["StateChangeReason"]

    def results(self, execution: dict[str, Any]) -> list[list[str | None]]:
        """All rows of GetQueryResults (its first page), a header row included."""
        answer = self.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[d.get("VarCharValue") for d in row["Data"]] for row in answer["ResultSet"]["Rows"]]

    def rows(self, query: str, **settings: Any) -> list[list[str | None]]:
        """The rows of a query, without the header."""
        return self.results(self.ok(query, **settings))[1:]

    def lines(self, statement: str) -> list[str | None]:
        """The rows of a SHOW or DESCRIBE, which have one text each and no header."""
        return [row[0] for row in self.results(self.ok(statement))]


def _columns(text: str) -> list[dict[str, str]]:
    separator = ";" if ";" in text else ","
    parts = [part.strip() for part in text.split(separator) if part.strip()]
    return [{"Name": name, "Type": kind.strip()} for name, _, kind in (part.partition(" ") for part in parts)]


def parquet(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="gzip")
    return out.getvalue()


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """The AthenaErrorCode and the message of a refused request."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response.get("AthenaErrorCode", response["Error"]["Code"]), response["Error"]["Message"]

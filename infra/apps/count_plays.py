"""Counts plays on a stream, batch by batch; in a tumbling window it keeps its count from batch to batch.

A record that is no JSON ends the batch: by an exception, or, where REPORT_FAILURES is `yes`, by its number in the answer.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Count the records of a batch, and say in the log what was counted."""
    counted, failed = 0, []
    for record in event["Records"]:
        try:
            json.loads(base64.b64decode(record["kinesis"]["data"]))["activity_type"]
        except (ValueError, KeyError, TypeError):
            if os.environ.get("REPORT_FAILURES") != "yes":
                raise
            failed.append({"itemIdentifier": record["kinesis"]["sequenceNumber"]})
            break  # what comes behind it is sent again
        counted += 1
    said: dict[str, Any] = {"records": len(event["Records"]), "counted": counted}
    if event["Records"]:
        said["waited_ms"] = round((time.time() - event["Records"][0]["kinesis"]["approximateArrivalTimestamp"]) * 1000)
    if "window" not in event:
        print(json.dumps(said))
        return {"batchItemFailures": failed}
    plays = event["state"].get("plays", 0) + counted
    print(
        json.dumps(
            {**said, "window": event["window"]["start"], "plays": plays, "final": event["isFinalInvokeForWindow"]}
        )
    )
    return {"state": {"plays": plays}}

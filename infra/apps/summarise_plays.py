"""The job of chapter 09, a Glue Python shell: how often each track was played, from all that has arrived.

Arguments: --bucket NAME --arrivals PREFIX --summary PREFIX
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator

import boto3

s3 = boto3.client("s3")


def events(bucket: str, prefix: str) -> Iterator[dict[str, int]]:
    """Yield the events of all JSON files; a line that is no JSON ends the job, with the file's name."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith(".json"):
                continue
            for line in s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].iter_lines():
                try:
                    yield json.loads(line)
                except ValueError:
                    raise ValueError(f"{item['Key']} holds a line that is no JSON") from None


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bucket", "arrivals", "summary"):
        parser.add_argument(f"--{name}")
    given, _ = parser.parse_known_args()
    plays = Counter(event["track_id"] for event in events(given.bucket, given.arrivals))
    rows = [json.dumps({"track_id": track, "plays": count}) for track, count in sorted(plays.items())]
    body = "".join(f"{row}\n" for row in rows).encode()
    s3.put_object(
        Bucket=given.bucket, Key=f"{given.summary}plays.json", Body=body
    )  # the same key: a second run replaces it
    print(f"{sum(plays.values())} plays of {len(plays)} tracks")


if __name__ == "__main__":
    main()

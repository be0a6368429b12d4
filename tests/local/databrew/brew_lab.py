"""A small lake for DataBrew's tests: a role, a bucket, two tables of the catalog, and datasets on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.polling import until

BUCKET = "brew-lake"
TRUST = {"Effect": "Allow", "Principal": {"Service": "databrew.amazonaws.com"}, "Action": "sts:AssumeRole"}
ALLOWED = {"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
RAW = [
    {"uuid": "a", "track_id": 1, "intensity": 10, "moved": True},
    {"uuid": "b", "track_id": 2, "intensity": 20, "moved": False},
    {"uuid": "c", "track_id": 0, "intensity": 30, "moved": True},
    {"uuid": "d", "track_id": 1, "intensity": None, "moved": None},
]
TRACKS = [{"track_id": 1, "track_name": "One"}, {"track_id": 2, "track_name": "Two, too"}]
RAW_COLUMNS = {"uuid": "string", "track_id": "int", "intensity": "int", "moved": "boolean"}
TRACK_COLUMNS = {"track_id": "int", "track_name": "string"}
JOIN = {
    "Action": {
        "Operation": "JOIN",
        "Parameters": {
            "joinKeys": '[{"key":"track_id","value":"track_id"}]',
            "joinType": "INNER_JOIN",
            "leftColumns": '["uuid","track_id","intensity","moved"]',
            "rightColumns": '["track_name"]',
            "secondInputLocation": f"s3://{BUCKET}/data/reference_data/",
            "secondaryDatasetName": "reference-data-dataset",
        },
    }
}
UPPER = {"Action": {"Operation": "UPPER_CASE", "Parameters": {"sourceColumn": "uuid"}}}


class BrewLab:
    """The lake of one account.

    Parameters
    ----------
    client : gives a boto3 client of a service.
    """

    def __init__(self, client: Callable[[str], Any], allowed: dict[str, Any] = ALLOWED):
        self.s3, self.glue, self.brew, self.iam = map(client, ("s3", "glue", "databrew", "iam"))
        self.bucket = f"{BUCKET}-{client('sts').get_caller_identity()['Account']}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.role = self.new_role("brew", allowed)
        self.put("data/raw/2026/part.json", "".join(json.dumps(row) for row in RAW))  # as Firehose: nothing between
        self.put("data/reference_data/tracks.json", "\n".join(json.dumps(row) for row in TRACKS))
        self.glue.create_database(DatabaseInput={"Name": "lake"})
        self.new_table("raw", "data/raw/", RAW_COLUMNS)
        self.new_table("reference_data", "data/reference_data/", TRACK_COLUMNS)
        self.new_table_dataset("raw-dataset", "raw")
        self.new_table_dataset("reference-data-dataset", "reference_data")

    def new_role(self, name: str, allowed: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=document)
        return arn

    def put(self, key: str, body: str | bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def new_table(
        self,
        name: str,
        key: str,
        columns: dict[str, str],
        serde: str = "org.openx.data.jsonserde.JsonSerDe",
        **parameters: str,
    ) -> None:
        storage = {
            "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
            "Location": f"s3://{self.bucket}/{key}",
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
        }
        self.glue.create_table(DatabaseName="lake", TableInput={"Name": name, "StorageDescriptor": storage})

    def new_table_dataset(self, name: str, table: str) -> None:
        self.brew.create_dataset(
            Name=name, Input={"DataCatalogInputDefinition": {"DatabaseName": "lake", "TableName": table}}
        )

    def new_file_dataset(self, name: str, key: str, **settings: Any) -> None:
        self.brew.create_dataset(
            Name=name, Input={"S3InputDefinition": {"Bucket": self.bucket, "Key": key}}, **settings
        )

    def new_recipe(self, name: str, *steps: dict[str, Any]) -> None:
        """A recipe with one published version."""
        self.brew.create_recipe(Name=name, Steps=list(steps))
        self.brew.publish_recipe(Name=name)

    def new_job(
        self, name: str, *outputs: dict[str, Any], dataset: str = "raw-dataset", recipe: str = "steps", **settings: Any
    ) -> None:
        self.brew.create_recipe_job(
            Name=name,
            DatasetName=dataset,
            RecipeReference={"Name": recipe},
            RoleArn=settings.pop("role", self.role),
            **({"Outputs": list(outputs)} if outputs else {}),
            **settings,
        )

    def run(self, job: str) -> dict[str, Any]:
        """Run a job to its end; what DescribeJobRun says then."""
        return self.ended(job, self.brew.start_job_run(Name=job)["RunId"])

    def ended(self, job: str, run: str) -> dict[str, Any]:
        def told() -> Any:
            found = self.brew.describe_job_run(Name=job, RunId=run)
            return found if found["State"] in ENDED else None

        return until(told, f"the end of the run of {job}")

    def output(self, key: str = "out/", **settings: Any) -> dict[str, Any]:
        return {"Location": {"Bucket": self.bucket, "Key": key}, **settings}

    def keys(self, prefix: str = "") -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def open_project(self, name: str, *steps: dict[str, Any], dataset: str = "raw-dataset", **settings: Any) -> str:
        """A project with a recipe of its own and an open session; the session's id."""
        self.brew.create_recipe(Name=f"{name}-recipe", Steps=list(steps))
        self.brew.create_project(
            Name=name, DatasetName=dataset, RecipeName=f"{name}-recipe", RoleArn=self.role, **settings
        )
        return self.open_session(name)

    def open_session(self, name: str, **settings: Any) -> str:
        session = self.brew.start_project_session(Name=name, **settings)["ClientSessionId"]
        self.session_ready(name)
        return session

    def session_ready(self, name: str) -> str:
        def status() -> str:
            found = self.brew.describe_project(Name=name)["SessionStatus"]
            return "" if found == "INITIALIZING" else found

        return until(status, f"the session of {name}")

    def act(self, name: str, **action: Any) -> dict[str, Any]:
        """Send an action to a project's session; its Result."""
        return json.loads(self.brew.send_project_session_action(Name=name, **action)["Result"])

"""DataBrew: a profile, a recipe job and a session's steps over a million rows, by the API."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import doubles, lake
from tests.bench.doubles import Double
from tests.bench.report import row

OBJECTS = 20
BUCKET = "bench-brew"
COLUMNS = [text.split() for text in lake.COLUMNS]
TRUST = {"Effect": "Allow", "Principal": {"Service": "databrew.amazonaws.com"}, "Action": "sts:AssumeRole"}
ALLOWED = {"Effect": "Allow", "Action": ["s3:*", "glue:*"], "Resource": "*"}
TRACKS = "\n".join(json.dumps({"track_id": n, "track_name": f"Track {n}"}) for n in range(1, 31))
JOIN = {
    "joinKeys": '[{"key":"track_id","value":"track_id"}]',
    "joinType": "INNER_JOIN",
    "leftColumns": json.dumps([name for name, _ in COLUMNS]),
    "rightColumns": '["track_name"]',
    "secondaryDatasetName": "tracks",
}
STEPS = [
    {"Action": {"Operation": "JOIN", "Parameters": JOIN}},
    {"Action": {"Operation": "UPPER_CASE", "Parameters": {"sourceColumn": "activity_type"}}},
    {"Action": {"Operation": "DELETE", "Parameters": {"sourceColumn": "device_ts"}}},
]


class Brewery:
    """A lake with so many events, datasets on it, and a recipe."""

    def __init__(self, double: Double, rows: int):
        self.s3, self.brew, iam = double.client("s3"), double.client("databrew"), double.client("iam")
        self.s3.create_bucket(Bucket=BUCKET)
        for number in range(OBJECTS):
            self.s3.put_object(Bucket=BUCKET, Key=f"raw/{number}.json", Body=lake._lines(rows // OBJECTS, number))
        self.s3.put_object(Bucket=BUCKET, Key="tracks/tracks.json", Body=TRACKS)
        role = iam.create_role(RoleName="brew", AssumeRolePolicyDocument=_policy(TRUST))
        iam.put_role_policy(RoleName="brew", PolicyName="data", PolicyDocument=_policy(ALLOWED))
        self.role = role["Role"]["Arn"]
        double.client("glue").create_database(DatabaseInput={"Name": "brew"})
        self._dataset(double, "raw", COLUMNS)
        self._dataset(double, "tracks", [["track_id", "int"], ["track_name", "string"]])
        self.brew.create_recipe(Name="steps", Steps=STEPS)
        self.brew.publish_recipe(Name="steps")

    def _dataset(self, double: Double, name: str, columns: list[list[str]]) -> None:
        storage = {
            "Columns": [{"Name": column, "Type": kind} for column, kind in columns],
            "Location": f"s3://{BUCKET}/{name}/",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        }
        table = {"Name": name, "StorageDescriptor": storage}
        double.client("glue").create_table(DatabaseName="brew", TableInput=table)
        source = {"DatabaseName": "brew", "TableName": name}
        self.brew.create_dataset(Name=name, Input={"DataCatalogInputDefinition": source})

    def run(self, job: str) -> float:
        """Seconds of a run, from StartJobRun to its end."""
        started = time.perf_counter()
        run = self.brew.start_job_run(Name=job)["RunId"]
        while (found := self.brew.describe_job_run(Name=job, RunId=run))["State"] in ("STARTING", "RUNNING"):
            time.sleep(0.02)
        if found["State"] != "SUCCEEDED":
            raise RuntimeError(found.get("ErrorMessage", found["State"]))
        return time.perf_counter() - started

    def profile(self) -> float:
        self.brew.create_profile_job(
            Name="profile", DatasetName="raw", RoleArn=self.role, OutputLocation={"Bucket": BUCKET, "Key": "profile/"},
            JobSample={"Mode": "FULL_DATASET"},
        )  # fmt: skip
        return statistics.median(self.run("profile") for _ in range(3))

    def recipe(self) -> float:
        output = {"Location": {"Bucket": BUCKET, "Key": "out/"}, "Format": "GLUEPARQUET", "Overwrite": True}
        self.brew.create_recipe_job(
            Name="job", DatasetName="raw", RecipeReference={"Name": "steps"}, RoleArn=self.role, Outputs=[output]
        )
        return statistics.median(self.run("job") for _ in range(3))

    def session(self) -> tuple[float, float]:
        """Seconds from StartProjectSession to the first view, and of a step's preview after it."""
        self.brew.create_recipe(Name="empty", Steps=[])
        self.brew.create_project(Name="project", DatasetName="raw", RecipeName="empty", RoleArn=self.role)
        started = time.perf_counter()
        self.brew.start_project_session(Name="project")
        while self.brew.describe_project(Name="project")["SessionStatus"] != "READY":
            time.sleep(0.02)
        self._preview(None)
        opened = time.perf_counter() - started
        self._preview(STEPS[0])  # reads the second dataset
        return opened, statistics.median(self._preview(step) for step in STEPS * 3)

    def _preview(self, step: dict[str, Any] | None) -> float:
        started = time.perf_counter()
        self.brew.send_project_session_action(
            Name="project", Preview=True, ViewFrame={"StartColumnIndex": 0}, **({"RecipeStep": step} if step else {})
        )
        return time.perf_counter() - started


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def measure(short: bool) -> list[str]:
    """Return the section's lines."""
    rows = 100_000 if short else 1_000_000
    with tempfile.TemporaryDirectory(prefix="workshop-bench-") as name:
        double = doubles.ours(Path(name) / "brew")
        try:
            brewery = Brewery(double, rows)
            profile, recipe, (opened, preview) = brewery.profile(), brewery.recipe(), brewery.session()
            memory = double.resident_mb()
        finally:
            double.stop()
    what = f"{rows:,} rows × {len(COLUMNS)} columns of JSON in {OBJECTS} objects, read through the catalog"
    return [
        f"{what}; runs by the API, medians of 3.",
        "",
        "| what | value | goal | met |",
        "|---|---|---|---|",
        row("Profile job, all rows, all statistics", f"{profile:.1f} s", "≤ 5 s", profile <= 5),
        row("Recipe job: join, two more steps, GLUEPARQUET", f"{recipe:.1f} s", "≤ 8 s", recipe <= 8),
        row("Session from StartProjectSession to the first view", f"{opened:.1f} s", "", True),
        row("A step previewed with its view frame", f"{preview * 1000:.0f} ms", "≤ 200 ms", preview <= 0.2),
        row("Memory after all that", f"{memory:.0f} MB", "", True),
    ]

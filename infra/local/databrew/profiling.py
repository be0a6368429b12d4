"""The files of a profile job: the profile, and where rulesets are checked, the validation report. Their names and what is around the figures are AWS's.

Source: https://docs.aws.amazon.com/databrew/latest/dg/profile.data-quality-rules.html, and result files of AWS
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .backend import DataBrewBackend
from .records import JobRun, Resource

if TYPE_CHECKING:
    from .engine import Frame

VERSION = "1.0"


def results(
    backend: DataBrewBackend, run: JobRun, frame: Frame, check: Callable[[], None]
) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each file.

    Parameters
    ----------
    check: raises when the run is to end
    """
    from .engine import sample
    from .engine.profile import profile

    settings = run.settings
    told = settings["JobSample"]
    if told.get("Mode") != "FULL_DATASET":
        frame = sample(frame, "FIRST_N", told["Size"])
    name = f"{settings['DatasetName']}_{run.id.removeprefix('db_')}"
    found = profile(frame, settings.get("Configuration"))
    check()
    yield f"{name}.json", _content(run, f"{name}.json", found)
    rulesets = [_ruleset(backend, one["RulesetArn"]) for one in settings.get("ValidationConfigurations") or []]
    if rulesets:
        report = f"{name}_dq-validation-report.json"
        yield report, _content(run, report, _validated(run, frame, rulesets, report))


def _content(run: JobRun, name: str, found: dict[str, Any]) -> bytes:
    return json.dumps(
        {
            **{key: value for key, value in found.items() if key != "version"},
            "jobName": run.job,
            "jobRunId": run.id,
            "location": _url(run, name),
            "startedOn": _moment(run.started),
            "writtenOn": _moment(time.time()),
            "version": VERSION,
        },
        default=str,
    ).encode()


def _url(run: JobRun, name: str) -> str:
    location = run.settings["OutputLocation"]
    return f"s3://{location['Bucket']}/{location.get('Key', '').lstrip('/')}{name}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _ruleset(backend: DataBrewBackend, arn: str) -> Resource:
    from .engine import DataRefused

    found = next((ruleset for ruleset in backend.rulesets.values() if ruleset.arn == arn), None)
    if found is None:
        raise DataRefused(f"The ruleset {arn} wasn't found.")
    return found


def _validated(run: JobRun, frame: Frame, rulesets: list[Resource], name: str) -> dict[str, Any]:
    from .engine.rules import validate

    report = validate(frame, [_told(ruleset) for ruleset in rulesets])
    run.validation = [
        {
            "datasetName": run.settings["DatasetName"],
            "jobName": run.job,
            "jobRunId": run.id,
            "rulesetName": result["name"],
            "validationState": result["status"],
            "validationReportLocation": _url(run, name),
        }
        for result in report["rulesetResults"]
    ]
    return report


def _told(ruleset: Resource) -> dict[str, Any]:
    modified = datetime.fromtimestamp(ruleset.modified, UTC)
    return {
        "Name": ruleset.name,
        "Arn": ruleset.arn,
        "LastModifiedDate": f"{modified:%a %b %d %H:%M:%S} UTC {modified:%Y}",
        **{member: ruleset.settings[member] for member in ("Description", "Rules") if member in ruleset.settings},
    }

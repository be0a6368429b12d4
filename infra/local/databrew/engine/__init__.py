"""The pure computing part of DataBrew: frames, recipe actions, samples, profiles and data quality rules, on DuckDB over local files.

It knows no service, no account and no S3: the caller gives paths and frames.

    with Workspace(folders=[…], spill=…) as workspace:
        frame = datasets.read(workspace, files, "CSV", options)     # Frame; DataRefused
        check_recipe(steps)                                         # StepRefused (code, message)
        small = sample(frame, "FIRST_N", 500)
        after = apply(small, step, read)                            # read(dataset name, S3 URL or None) -> Frame
        whole = run(steps, frame, read)
        whole.query()                                               # SQL for COPY: rows in order under the users' names
        profile(frame, configuration)                               # DataBrew's result as a dict
        validate(frame, ruleset)                                    # the report of a ruleset

DuckDB is heavy: import this package where it is used, not at the start of the server.
"""

from .errors import DataRefused, StepRefused
from .frame import Column, Frame, Workspace
from .recipe import apply, check, check_recipe, run
from .sampling import sample

__all__ = [
    "Column",
    "DataRefused",
    "Frame",
    "StepRefused",
    "Workspace",
    "apply",
    "check",
    "check_recipe",
    "run",
    "sample",
]

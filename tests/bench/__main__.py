"""Run groups of measurements and write their sections of docs/benchmarks.md: `python -m tests.bench [group …] [--short]`."""

from __future__ import annotations

import argparse
import functools
import signal
import sys
from collections.abc import Callable

from infra import project
from tests.bench import (
    aws,
    bare,
    brew,
    classroom,
    events,
    flink,
    functions,
    live,
    report,
    roles,
    room,
    scaling,
    spark,
    states,
)

Measure = Callable[[bool], list[str]]
GROUPS: dict[str, tuple[str, Measure]] = {  # name -> title of the section, how
    "aws": ("The local AWS beside other doubles", aws.measure),
    "raw": ("The local AWS without boto3: raw requests", bare.measure),
    "roles": ("Roles: what asking for permissions costs", roles.measure),
    "room": ("Room for everybody", room.measure),
    "brew": ("DataBrew: profiles, jobs and sessions", brew.measure),
    "events": ("EventBridge and SQS", events.measure),
    "spark": ("Spark: Glue sessions and jobs", spark.measure),
    "scaling": ("Spark: a thousand times more records", scaling.measure),
    "flink": ("Flink: the Studio kernel", flink.measure),
    "lambda": ("Lambda: functions", functions.measure),
    "live": ("The live lake", live.measure),
    "class": ("A class: thirty learners at once", classroom.measure),
    "states": ("Step Functions: state transitions", states.measure),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all by default")
    parser.add_argument("--short", action="store_true", help="a quick look: fewer and smaller runs, nothing is written")
    parser.add_argument("--growth", type=int, default=aws.GROWTH[1], help="records of aws's growth run (10 million)")
    options = parser.parse_args()
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no group is called {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # servers and folders are left behind otherwise
    chosen = options.groups or list(GROUPS)
    titles = [title for title, _ in GROUPS.values()]
    for group in chosen:
        title, measure = GROUPS[group]
        if group == "aws":
            measure = functools.partial(measure, growth=options.growth)
        before = report.load()
        text = report.section(title, group, before, measure(options.short))
        print(text, flush=True)
        if not options.short:
            report.write(project.ROOT / "docs" / "benchmarks.md", {title: text}, titles)


if __name__ == "__main__":
    main()

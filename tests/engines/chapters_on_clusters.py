"""`make clusters`: chapters 03, 04 and 07, and those that they build on, on a Spark cluster and a Flink session cluster, real ones on loopback.

Sessions, jobs, the plain script of the original's EMR step (in 04), Studio's paragraphs and an application work there, in a fresh lake.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from infra import project, run, server_process
from infra.engines.flink import session
from infra.engines.spark import cluster
from tests.engines import flink_cluster, spark_cluster

CHAPTERS = ("01", "02", "03", "04", "07")
ACCOUNT = "123456789012"
WORKERS, MEMORY = 2, "1g"


def main(chapters: list[str]) -> int:
    """Run the chapters and print what ran where; return the exit code."""
    home, port = project.BUILD / "clusters", spark_cluster._free_port()
    shutil.rmtree(home, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="clusters-") as name:
        folders = [Path(name, engine) for engine in ("spark", "flink")]
        for folder in folders:
            folder.mkdir()
        files = flink_cluster.files(f"http://127.0.0.1:{port}", ACCOUNT)
        with (
            spark_cluster.spark_cluster(folders[0], WORKERS, MEMORY) as spark,
            flink_cluster.flink_cluster(folders[1], files) as flink,
        ):
            os.environ |= {cluster.MASTER: spark.url, session.CLUSTER: flink, "WORKSHOP_HOME": str(home)}
            server_process.start(home, port)
            try:
                results = run.run(run.find(chapters), home / "notebooks", solutions=True)
            finally:
                server_process.stop(home)
            jobs = flink_cluster.told(flink, "/jobs/overview")["jobs"]
            told = spark.state()
    applications = len(told["activeapps"]) + len(told["completedapps"])
    print(f"Spark: {applications} applications on {WORKERS} workers. Flink: {len(jobs)} jobs on the session cluster.")
    return int(any(result.reason for result in results) or not applications or not jobs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(CHAPTERS)))

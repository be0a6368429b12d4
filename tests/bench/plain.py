"""Plain PySpark in a process of its own, told what to run: the same Java, jars and settings as a Glue session here, and nothing of Glue around it.

`python -m tests.bench.plain '<JSON of Settings>'` reads code from standard input, one JSON text a line, and answers with one JSON line each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra import project
from infra.engines.spark.gateway import Gateway
from infra.engines.spark.options import Settings, environment, java_command, spark_conf
from tests.bench.doubles import Double


class Plain:
    """A running process of plain PySpark on a server; close it.

    Attributes:
        start_seconds: from the start of the process until `spark` can be used.
    """

    def __init__(self, double: Double, cores: int = 2):
        self._folder = tempfile.TemporaryDirectory(prefix="bench-spark-")
        folder = Path(self._folder.name)
        settings = Settings(f"http://127.0.0.1:{double.port}", "us-east-1", "123456789012", "bench", cores=cores)
        variables = environment(settings, folder)
        variables["PYTHONPATH"] = f"{project.ROOT}:{variables['PYTHONPATH']}"
        started = time.perf_counter()
        self._errors = open(folder / "errors", "w+b")  # noqa: SIM115 - closed by close
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.plain", json.dumps(asdict(settings))],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._java = self._answer()["java"]
        self.start_seconds = time.perf_counter() - started

    def run(self, code: str) -> float:
        """Run code in which `spark` is the SparkSession; returns its seconds. Raises RuntimeError when it fails."""
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def peak_mb(self) -> float:
        """The most memory that the JVM has had so far (Linux)."""
        with open(f"/proc/{self._java}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:  # code is still running, because this process was interrupted
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
        self._folder.cleanup()

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *problem: Any) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"Plain PySpark failed: {self._errors.read().decode(errors='replace')[-2000:]}")
        return json.loads(line)


def main(settings: Settings) -> None:
    jvm = Gateway(java_command(spark_conf(settings, Path.cwd())))
    jvm.connect()
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    print(json.dumps({"java": jvm.process.pid}), flush=True)
    namespace = {"spark": spark}
    for line in sys.stdin:
        code = json.loads(line)
        started = time.perf_counter()
        exec(code, namespace)
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    spark.stop()
    jvm.close()


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))

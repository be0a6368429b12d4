"""A Spark driver for tests, and waiting."""

from concurrent.futures import Future

from infra.engines.spark.client import SparkDriver
from infra.engines.spark.options import Settings

ACCOUNT = "300000000002"
BUCKET = "driver-tests"
START_SECONDS = 60


class Session:
    """A driver with numbered statements, and the lines that it wrote."""

    def __init__(self, endpoint: str, **settings):
        self.lines: list[tuple[str, str]] = []
        catalog = settings.pop("catalog", False)
        self.driver = SparkDriver(
            Settings(endpoint, "us-east-1", ACCOUNT, "test", cores=2, **settings),
            catalog=catalog,
            log=lambda stream, line: self.lines.append((stream, line)),
        )
        self.number = 0

    def submit(self, code: str) -> Future:
        self.number += 1
        return self.driver.run(self.number, code)

    def run(self, code: str) -> dict:
        return self.submit(code).result(START_SECONDS)

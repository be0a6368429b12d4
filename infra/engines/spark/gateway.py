"""Start the Spark JVM and tell pyspark where it is (pyspark then joins it instead of starting one of its own)."""

import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 60


class Gateway:
    """The JVM of `options.java_command`. It ends when its standard input closes, so it never outlives this process."""

    def __init__(self, command: list[str]):
        """Start the JVM; it comes up while the caller imports pyspark."""
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self._file = self._folder / "gateway"
        environment = os.environ | {"_PYSPARK_DRIVER_CONN_INFO_PATH": str(self._file)}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, process_group=0)

    def connect(self) -> None:
        """Wait until the JVM listens and give pyspark its port and secret.

        Raises:
            RuntimeError: the JVM ended at once, or is not up after START_SECONDS.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._file.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"Java ended at its start with exit code {self.process.returncode}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"Java did not start Spark within {START_SECONDS} seconds")
            time.sleep(0.01)
        with self._file.open("rb") as file:
            port, length = struct.unpack(">ii", file.read(8))
            secret = file.read(length).decode()
        self._file.unlink()
        self._folder.rmdir()
        os.environ |= {
            "PYSPARK_GATEWAY_PORT": str(port),
            "PYSPARK_GATEWAY_SECRET": secret,
            "PYSPARK_PIN_THREAD": "true",
        }

    def close(self, seconds: float = 60) -> None:
        """Let the JVM end and wait for it."""
        assert self.process.stdin is not None, "it was started with a pipe"
        self.process.stdin.close()
        self.process.wait(seconds)

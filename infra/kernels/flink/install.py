"""Install the kernel `Flink (Studio)`: Flink's environment, and the kernelspec."""

from __future__ import annotations

from pathlib import Path

from infra.engines.flink import environment
from infra.kernels import install as kernels

NAME = "flink-studio"
DISPLAY_NAME = "Flink (Studio)"


def install() -> Path:
    """Make everything that is missing and return the kernelspec's folder.

    Raises
    ------
    FlinkSetupError: uv is missing or fails, or the class archive cannot be made.
    RuntimeError: no Java 17, or a jar cannot be downloaded or has a wrong checksum.
    """
    environment.make()
    argv = [str(environment.python()), "-W", "ignore", "-m", "infra.kernels.flink.flink_studio"]
    argv += ["-f", "{connection_file}", "--log-level=ERROR"]
    return kernels.write_kernelspec(NAME, DISPLAY_NAME, argv, environment.kernel_environment())

"""The kernel's process: Java first, because it takes longest; then ipykernel with the extension."""

import logging
import os

from infra import project
from infra.engines.flink.jvm import Jvm, archive_option, profile_variables
from infra.engines.startup import aws_names

jvm: Jvm | None = None


def main() -> None:
    """Start Java and ipykernel; returns when the kernel is shut down."""
    global jvm
    jvm = Jvm(archive_option(), profile_variables())
    aws_names.refuse(lambda: project.is_local(os.environ.get("AWS_PROFILE")))
    # py4j logs each call to a Java process that has ended, and the kernel says it once
    logging.getLogger("py4j.java_gateway").disabled = True
    logging.getLogger().addFilter(lambda record: "py4j" not in record.pathname)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.extra_extensions = [f"{__package__}.extension"]
    app.initialize()
    try:
        app.start()
    finally:
        jvm.stop(0)  # jobs end with the kernel, and Jupyter waits only 2.5 s

"""The kernel's process: Java first, because it takes longest; then ipykernel with the extension."""

import logging
import os

from .jvm import Jvm, archive_option

jvm: Jvm | None = None


def main() -> None:
    """Start Java and ipykernel; returns when the kernel is shut down."""
    global jvm
    jvm = Jvm(archive_option())
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it logs each call to a Java process that has ended
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.extra_extensions = [f"{__package__}.extension"]
    app.initialize()
    try:
        app.start()
    finally:
        jvm.stop()

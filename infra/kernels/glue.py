"""The kernel `Glue PySpark`: AWS's own (aws-glue-sessions), unmodified, on the cloud that the AWS profile names.

`python -m infra.kernels.glue -f <connection file>` is what Jupyter starts. It chooses the cloud and then becomes AWS's kernel: left alone,
that kernel would go to real AWS whenever it finds no profile in its own settings.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from infra import profile as profiles
from infra import project, server_process
from infra.kernels import install

KERNEL = "glue_pyspark"
DISPLAY_NAME = "Glue PySpark"
MODULE = "infra.kernels.glue_answering"
ROLE = "AnalyticsworkshopGlueISRole"  # of infra/stacks/03_transform.yaml
GLUE_VERSION = "5.1"


def install_glue_kernel() -> Path:
    """Install the kernelspec, with AWS's own logos, and return its folder."""
    argv = [sys.executable, "-m", "infra.kernels.glue", "-f", "{connection_file}", "--log-level=ERROR"]
    folder = install.write_kernelspec(KERNEL, DISPLAY_NAME, argv, debugger=False)
    import aws_glue_interactive_sessions_kernel as kernel

    for logo in (Path(kernel.__file__).parent / "glue_pyspark").glob("logo-*.png"):
        shutil.copy(logo, folder)
    return folder


def environment(name: str | None) -> dict[str, str]:
    """Return the environment of AWS's kernel for an AWS profile; None is the local one.

    The local AWS is started when it is not running. Settings that are already in the environment (`glue_role_arn`, `glue_version` …) stay.

    Raises infra.server_process.LocalAwsError when the local AWS does not start, botocore's ProfileNotFound for an unknown profile.
    """
    home = project.home()
    account, region, partition = os.environ.get("WORKSHOP_ACCOUNT", profiles.ACCOUNT), profiles.REGION, "aws"
    if project.is_local(name):
        profiles.write_chosen(home, server_process.start(home).endpoint)
    profiles.activate(home, name)
    if not project.is_local(name):
        import boto3

        session = boto3.Session()
        partition, _, _, account = session.client("sts").get_caller_identity()["Arn"].split(":")[1:5]
        region = session.region_name
    chosen = {
        "glue_profile": os.environ["AWS_PROFILE"],
        "region": region,
        "glue_role_arn": f"arn:{partition}:iam::{account}:role/{ROLE}",
        "glue_version": GLUE_VERSION,
    }
    if project.is_local(name):
        chosen["request_origin"] = (
            "GlueStudioNotebook"  # the kernel then does not ask pypi.org for a newer version of itself
        )
    tools = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}  # for `!` lines
    return chosen | dict(os.environ) | {"glue_profile": chosen["glue_profile"]} | tools


def main() -> None:
    """Become AWS's kernel, with an answer to interrupts. A new program, because that kernel must set up botocore before anybody has imported it."""
    variables = environment(os.environ.get("AWS_PROFILE"))
    command = [sys.executable, "-Xfrozen_modules=off", "-W", "ignore", "-m", MODULE, *sys.argv[1:]]
    os.execve(sys.executable, command, variables)


if __name__ == "__main__":
    main()

"""What is in an account, on either cloud: stacks, rights, leftovers, and whether it is ready."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from typing import TYPE_CHECKING

from infra import profile, project, server_process
from infra.commands import cloud

if TYPE_CHECKING:
    import boto3


def deploy(options: argparse.Namespace) -> int:
    """Make the stack of a template. Raises ValueError where there is none of that name."""
    from helpers import connect, stacks

    if not (stacks.FOLDER / f"{options.template}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in stacks.FOLDER.glob("*.yaml")))
        raise ValueError(f"There is no template '{options.template}'. Templates: {known}.")
    connect()
    try:
        stacks.deploy(options.template)
    except stacks.StackFailed as error:
        print(error, file=sys.stderr)
        if "No export named" in str(error):
            print("It builds on an earlier chapter: run the notebooks before this one first.", file=sys.stderr)
        return 1
    return 0


def upload_exercises(options: argparse.Namespace) -> int:
    """Put the exercises' answers into the lake's bucket, for a Glue session."""
    import boto3

    from helpers import connect, need_stack
    from helpers.checking import RunFirst
    from infra.teaching import bundle

    with contextlib.redirect_stdout(io.StringIO()):  # deploy, the line before, has said which cloud it is
        connect()
    try:
        bucket = need_stack("analytics-workshop-01-ingest", "01_ingest_and_store.ipynb")["BucketName"]
    except RunFirst as error:
        print(error, file=sys.stderr)
        return 1
    boto3.client("s3").put_object(Bucket=bucket, Key=bundle.KEY, Body=bundle.bundle())
    print(f"The exercises are in the bucket: {bundle.KEY}")
    return 0


def preflight(options: argparse.Namespace) -> int:
    """Say whether an AWS account is ready. Raises ValueError for a profile that is not there."""
    import boto3
    from botocore.exceptions import ProfileNotFound

    from infra import preflight as checks

    try:
        findings = list(checks.look(boto3.Session(profile_name=options.profile), project.ROOT / "infra" / "stacks"))
    except ProfileNotFound:
        raise ValueError(
            f"There is no AWS profile '{options.profile}'. `aws configure --profile NAME` makes one."
        ) from None
    print("\n".join(map(str, findings)))
    return 1 if any(finding.ok is False for finding in findings) else 0


def permissions(options: argparse.Namespace) -> int:
    """Say what roles were granted, used and denied. Raises ValueError on real AWS, which records nothing."""
    import boto3

    from infra import permissions as report

    if not project.is_local(cloud()):
        raise ValueError("Only the local AWS records what roles ask for. Choose the profile workshop-local.")
    profile.activate(project.home(), cloud())
    if options.record:
        return _record_permissions()
    print("\n\n".join(map(str, report.of(boto3.Session(), options.roles))) or "There is no role in this account.")
    return 0


def _record_permissions() -> int:
    from infra.permissions import recording

    running = server_process.find(project.home())
    if running is None:
        raise ValueError("The local AWS is not running. Run all chapters in a fresh lake first.")
    executed = [project.BUILD / path.name for path in project.chapters()]
    missing = [path.stem for path in executed if not path.exists()]
    if missing:
        raise ValueError(
            f"There is no executed copy of {', '.join(missing)} in {project.BUILD}: run all chapters first."
        )
    recording.keep(running.endpoint, executed)
    return 0


def leftovers(options: argparse.Namespace) -> int:
    """List everything of the workshop in an account, and delete it where that is wanted; on real AWS it asks before."""
    from helpers import connect
    from helpers.leftovers import delete_all, find

    session = connect()
    found = find(session)
    for item in found:
        print(f"{item.kind:<30} {item.name}{f'  ({item.detail})' if item.detail else ''}")
    if not found:
        print("Nothing of the workshop is left here.")
        return 0
    if not options.delete:
        print(f"{len(found)} things. Nothing was deleted; workshop leftovers --delete deletes them.")
        return 0
    if not project.is_local(cloud()) and not _confirmed(session):
        print("Nothing was deleted.")
        return 1
    failed = delete_all(session)
    if failed:
        print(f"{len(failed)} things could not be deleted. Do what stands behind them, then repeat the command.")
        return 1
    print("Nothing of the workshop is left here.")
    return 0


def _confirmed(session: boto3.Session) -> bool:
    """Ask for account and region before anything on real AWS is deleted."""
    account = session.client("sts").get_caller_identity()["Account"]
    wanted = f"{account} {session.region_name}"
    typed = input(
        "This is real AWS. To delete all that stands above, type the account and the region, with a blank between: "
    )
    return typed.split() == wanted.split()

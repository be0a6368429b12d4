"""The console command `workshop`: everything the Makefile does, one subcommand each."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from infra import profile, project, server_process

if TYPE_CHECKING:
    import boto3


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "command"):
        parser.print_help()
        return 0
    try:
        return options.command(options)
    except (server_process.LocalAwsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workshop", description="Learn streaming data lakes on AWS, on your own computer."
    )
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command)
        return sub

    lab_parser = add("lab", lab, "open JupyterLab on the first notebook, with the local AWS behind it")
    _server_options(lab_parser)
    lab_parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    run_parser = add("run", run, "run notebooks headless, all or the chapters named (01 02 …); copies go to build/")
    run_parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    run_parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a papermill parameter",
    )
    run_parser.add_argument(
        "--solutions", action="store_true", help="solve the open exercises; a solution that is not right fails the run"
    )
    class_parser = add("class", hold_class, "hold a class on this machine: JupyterHub with an account for each learner")
    class_parser.add_argument("--learners", type=int, metavar="N", help="learner-01 to learner-N")
    class_parser.add_argument("--names", type=Path, metavar="FILE", help="names of the learners, one a line")
    class_parser.add_argument(
        "--address", default="127.0.0.1", help="where others reach it: this machine's address, or 0.0.0.0 for all"
    )
    class_parser.add_argument("--port", type=int, default=8000, help="port of the hub")
    class_parser.add_argument("--spark-sessions", type=int, metavar="N", help="at once; by memory and cores without it")
    class_parser.add_argument(
        "--new-passwords", nargs="*", metavar="LOGIN", help="hand out new passwords, to all or to those named"
    )
    class_parser.add_argument("--shard-limits", action="store_true", help="enforce the write limits of Kinesis shards")
    _server_options(add("start", start, "start the local AWS alone"))
    status_parser = add("status", status, "say what is running, what an account holds, and what it would cost on AWS")
    _account_option(status_parser)
    goto_parser = add("goto", goto, "bring the lake to where a chapter begins, by running what it builds on")
    goto_parser.add_argument("chapter", metavar="CHAPTER")
    _account_option(goto_parser)
    add("stop", stop, "stop the local AWS; its data stays")
    reset_parser = add("reset", reset, "stop the local AWS and delete its data, or empty one account while others work")
    reset_parser.add_argument("--account", metavar="ACCOUNT", help="the 12 digits of the account to empty")
    reset_parser.add_argument("--yes", action="store_true", help="do not ask")
    add("doctor", doctor, "check what this machine has, and say what to type where something is missing")
    add("env", env, "print the exports that make any AWS tool in a terminal use the chosen profile")
    add("setup", setup, "install kernels and profile (make does this by itself)")
    deploy_parser = add("deploy", deploy, "make the stack of a template in infra/stacks, for example 03_transform")
    deploy_parser.add_argument("template", metavar="TEMPLATE")
    add("upload-exercises", upload_exercises, "put the exercises' answers into the lake's bucket, for a Glue session")
    add("handout", handout, "write one page a chapter, its goals and figures, to build/handout")
    preflight_parser = add("preflight", preflight, "say whether an AWS account is ready: rights, quotas, names, price")
    preflight_parser.add_argument("--profile", required=True, help="name of an AWS profile")
    permissions_parser = add(
        "permissions", permissions, "say what roles were granted and used, never used, and asked for and were denied"
    )
    permissions_parser.add_argument("roles", nargs="*", metavar="ROLE", help="names of roles; all without one")
    permissions_parser.add_argument(
        "--record", action="store_true", help="keep what all chapters, run in a fresh lake, asked for (for authors)"
    )
    leftovers_parser = add("leftovers", leftovers, "list everything of the workshop that exists in this account")
    leftovers_parser.add_argument("--delete", action="store_true", help="delete it; on real AWS it asks once more")
    rehearse_parser = add(
        "rehearse",
        rehearse,
        "run notebooks in a fresh lake, as a learner's role, at a share of AWS's pace; writes docs/rehearsal.md",
    )
    rehearse_parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    rehearse_parser.add_argument("--pace", type=float, default=0.2, metavar="F", help="share of AWS's pace (0.2)")
    refresh_parser = add("refresh", refresh, "run notebooks in a fresh lake and store their outputs (for authors)")
    refresh_parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    return parser


def _server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="port of the local AWS (4566 or the next free one)")
    parser.add_argument(
        "--shard-limits",
        action="store_true",
        help="enforce the write limits of Kinesis shards and of Firehose, for a class",
    )

    parser.add_argument(
        "--pace",
        type=float,
        default=0.0,
        metavar="F",
        help="let all take its time on AWS times F (1: as on AWS), with AWS's limits on how often one may ask; 0: off",
    )


def _account_option(parser: argparse.ArgumentParser) -> None:
    own = os.environ.get("WORKSHOP_ACCOUNT", profile.ACCOUNT)
    parser.add_argument("--account", metavar="ACCOUNT", default=own, help=f"12 digits; without it {own}")


def _cloud() -> str | None:
    return os.environ.get("AWS_PROFILE")


def start(options: argparse.Namespace) -> int:
    home = project.home()
    running = server_process.start(
        home, options.port, options.shard_limits, {"pace": options.pace} if options.pace else None
    )
    if (pace := server_process.pace(running.endpoint)) != options.pace:
        raise ValueError(
            f"The local AWS runs at the pace {pace:g}. To start it at {options.pace:g}, first: workshop stop"
        )
    profile.write_chosen(home, running.endpoint)
    print(f"Local AWS at {running.endpoint}")
    return 0


def lab(options: argparse.Namespace) -> int:
    if project.is_local(_cloud()):
        start(options)
    profile.activate(project.home(), _cloud())
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--ServerApp.ip=127.0.0.1",
        f"--notebook-dir={project.ROOT}",  # so that links to docs/ and infra/ lead somewhere
    ]
    if os.geteuid() == 0:  # JupyterLab wants to be told so
        command.append("--allow-root")
    first = f"{project.NOTEBOOKS.name}/{project.chapters()[0].name}"
    command.append("--no-browser" if options.no_browser else f"--LabApp.default_url=/lab/tree/{first}")
    return subprocess.call(command, cwd=project.ROOT)


def run(options: argparse.Namespace) -> int:
    from infra import run as runner

    notebooks = runner.find(options.chapters)
    parameters = {name: _literal(value) for name, value in options.parameter}
    profile.activate(project.home(), _cloud())
    results = runner.run(notebooks, project.BUILD, parameters, options.solutions)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def _literal(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def refresh(options: argparse.Namespace) -> int:
    from infra import refresh as refresher
    from infra import run as runner

    results = refresher.refresh(options.chapters)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def rehearse(options: argparse.Namespace) -> int:
    from infra import rehearsal
    from infra import run as runner

    results = rehearsal.rehearse(options.chapters, options.pace)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def preflight(options: argparse.Namespace) -> int:
    import boto3
    from botocore.exceptions import ProfileNotFound

    from infra import preflight as checks

    try:
        session = boto3.Session(profile_name=options.profile)
    except ProfileNotFound:
        raise ValueError(
            f"There is no AWS profile '{options.profile}'. `aws configure --profile NAME` makes one."
        ) from None
    findings = list(checks.look(session, project.ROOT / "infra" / "stacks"))
    print("\n".join(map(str, findings)))
    return 1 if any(finding.ok is False for finding in findings) else 0


def permissions(options: argparse.Namespace) -> int:
    import boto3

    from infra import permissions as report

    if not project.is_local(_cloud()):
        raise ValueError("Only the local AWS records what roles ask for. Choose the profile workshop-local.")
    profile.activate(project.home(), _cloud())
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


def hold_class(options: argparse.Namespace) -> int:
    from infra.classroom import lead

    names = lead.names(options.learners, options.names)
    wish = lead.Wish(
        names, options.address, options.port, options.spark_sessions, options.new_passwords, options.shard_limits
    )
    try:
        return lead.lead(wish)
    except (
        RuntimeError,
        OSError,
    ) as error:  # no Node, no git, or a file that cannot be read: the message says what to do
        print(error, file=sys.stderr)
        return 1


def status(options: argparse.Namespace) -> int:
    home = project.home()
    running = server_process.find(home)
    if running is None:
        print("The local AWS is not running. The first notebook starts it, or: workshop start")
    else:
        print(f"Local AWS at {running.endpoint}, process {running.pid}")
    size = sum(path.stat().st_size for path in (home / "state").rglob("*") if path.is_file())
    print(f"Data: {size / 1e6:.1f} MB in {home / 'state'}")
    if running is not None:
        _print_account(running, options.account)
    return 0


def _print_account(running: server_process.Running, account: str) -> None:
    from infra import inventory
    from infra.reset import LocalSession

    there = LocalSession(running, account)
    lines = inventory.look(there.client, there.region_name)
    print(f"\nAccount {account}, {there.region_name}:" + (" nothing" if not lines else ""))
    for line in lines:
        print(f"  {line}")
    print(
        f"On AWS this would cost {inventory.total(lines):.3f} USD an hour, and what is used (queries, crawls, storage)."
    )


def goto(options: argparse.Namespace) -> int:
    from infra import goto as way

    local = project.is_local(_cloud())
    if local:
        os.environ["WORKSHOP_ACCOUNT"] = options.account  # the kernels' account
        running = server_process.start(project.home())
        profile.write(project.home(), running.endpoint, options.account)
    profile.activate(project.home(), _cloud())
    import boto3

    return 0 if way.go(options.chapter, boto3.Session().client) else 1


def stop(options: argparse.Namespace) -> int:
    print(
        "The local AWS is stopped; its data stays."
        if server_process.stop(project.home())
        else "The local AWS is not running."
    )
    return 0


def reset(options: argparse.Namespace) -> int:
    if options.account:
        return _reset_account(options)
    state = project.home() / "state"
    if not options.yes and input(f"Delete everything in {state}? Type yes: ").strip() != "yes":
        print("Nothing was deleted.")
        return 1
    server_process.stop(project.home())
    shutil.rmtree(state, ignore_errors=True)
    print("The local AWS is empty.")
    return 0


def _reset_account(options: argparse.Namespace) -> int:
    from infra.reset import empty

    if not options.yes and input(f"Delete everything in account {options.account}? Type yes: ").strip() != "yes":
        print("Nothing was deleted.")
        return 1
    running = server_process.find(project.home()) or server_process.start(project.home())
    empty(running, options.account)
    print(f"Account {options.account} is empty; the others were not touched.")
    return 0


def doctor(options: argparse.Namespace) -> int:
    from infra import setup as checks

    findings = checks.examine()
    for finding in findings:
        print(f"{'ok ' if finding.fine else 'NO '} {finding.what:<40} {finding.seen}")
        if not finding.fine:
            print(f"    → type: {finding.remedy}")
    return 0 if all(finding.fine for finding in findings) else 1


def env(options: argparse.Namespace) -> int:
    for name, value in profile.environment(project.home(), _cloud()).items():
        print(f"export {name}={value}")
    return 0


def deploy(options: argparse.Namespace) -> int:
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


def handout(options: argparse.Namespace) -> int:
    from infra import handout as sheets

    for path in sheets.write(project.BUILD / "handout"):
        print(path)
    return 0


def upload_exercises(options: argparse.Namespace) -> int:
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


def leftovers(options: argparse.Namespace) -> int:
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
    if not project.is_local(_cloud()) and not _confirmed(session):
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


def setup(options: argparse.Namespace) -> int:
    from infra import setup as steps

    try:
        steps.run()
    except RuntimeError as error:  # no Java, or something that could not be downloaded: the message says what to do
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

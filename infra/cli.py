"""The console command `workshop`: everything the Makefile does, one subcommand each. What they do stands in `infra/commands`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from infra import profile, server_process
from infra.commands import account, local_aws, machine, notebooks


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
    except EOFError:  # asked, and there is no terminal
        print("\nNobody answered, so nothing was done. --yes does it without asking.", file=sys.stderr)
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

    lab_parser = add("lab", notebooks.lab, "open JupyterLab on the first notebook, with the local AWS behind it")
    _server_options(lab_parser)
    lab_parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    run_parser = add(
        "run", notebooks.run, "run notebooks headless, all or the chapters named (01 02 …); copies go to build/"
    )
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
    class_parser = add(
        "class", machine.hold_class, "hold a class on this machine: JupyterHub with an account for each learner"
    )
    class_parser.add_argument("--learners", type=_count, metavar="N", help="learner-01 to learner-N")
    class_parser.add_argument("--names", type=Path, metavar="FILE", help="names of the learners, one a line")
    class_parser.add_argument(
        "--address", default="127.0.0.1", help="where others reach it: this machine's address, or 0.0.0.0 for all"
    )
    class_parser.add_argument("--port", type=_port, default=8000, help="port of the hub")
    class_parser.add_argument(
        "--spark-sessions", type=_count, metavar="N", help="at once; by memory and cores without it"
    )
    class_parser.add_argument(
        "--new-passwords", nargs="*", metavar="LOGIN", help="hand out new passwords, to all or to those named"
    )
    class_parser.add_argument("--shard-limits", action="store_true", help="enforce the write limits of Kinesis shards")
    _server_options(add("start", local_aws.start, "start the local AWS alone"))
    status_parser = add(
        "status", local_aws.status, "say what is running, what an account holds, and what it would cost on AWS"
    )
    _account_option(status_parser)
    goto_parser = add("goto", local_aws.goto, "bring the lake to where a chapter begins, by running what it builds on")
    goto_parser.add_argument("chapter", metavar="CHAPTER")
    _account_option(goto_parser)
    add("stop", local_aws.stop, "stop the local AWS; its data stays")
    reset_parser = add(
        "reset", local_aws.reset, "stop the local AWS and delete its data, or empty one account while others work"
    )
    reset_parser.add_argument(
        "--account", type=_account, metavar="ACCOUNT", help="the 12 digits of the account to empty"
    )
    reset_parser.add_argument("--yes", action="store_true", help="do not ask")
    add("doctor", machine.doctor, "check what this machine has, and say what to type where something is missing")
    add("env", local_aws.env, "print the exports that make any AWS tool in a terminal use the chosen profile")
    add("setup", machine.setup, "install kernels and profile (make does this by itself)")
    deploy_parser = add(
        "deploy", account.deploy, "make the stack of a template in infra/stacks, for example 03_transform"
    )
    deploy_parser.add_argument("template", metavar="TEMPLATE")
    add(
        "upload-exercises",
        account.upload_exercises,
        "put the exercises' answers into the lake's bucket, for a Glue session",
    )
    add("handout", notebooks.handout, "write one page a chapter, its goals and figures, to build/handout")
    preflight_parser = add(
        "preflight", account.preflight, "say whether an AWS account is ready: rights, quotas, names, price"
    )
    preflight_parser.add_argument("--profile", required=True, help="name of an AWS profile")
    permissions_parser = add(
        "permissions",
        account.permissions,
        "say what roles were granted and used, never used, and asked for and were denied",
    )
    permissions_parser.add_argument("roles", nargs="*", metavar="ROLE", help="names of roles; all without one")
    permissions_parser.add_argument(
        "--record", action="store_true", help="keep what all chapters, run in a fresh lake, asked for (for authors)"
    )
    leftovers_parser = add(
        "leftovers", account.leftovers, "list everything of the workshop that exists in this account"
    )
    leftovers_parser.add_argument("--delete", action="store_true", help="delete it; on real AWS it asks once more")
    rehearse_parser = add(
        "rehearse",
        notebooks.rehearse,
        "run notebooks in a fresh lake, as a learner's role, at a share of AWS's pace; writes docs/rehearsal.md",
    )
    rehearse_parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    rehearse_parser.add_argument("--pace", type=float, default=0.2, metavar="F", help="share of AWS's pace (0.2)")
    refresh_parser = add(
        "refresh", notebooks.refresh, "run notebooks in a fresh lake and store their outputs (for authors)"
    )
    refresh_parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    return parser


def _account(text: str) -> str:
    if not re.fullmatch("[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no account: 12 digits, for example 000000000007")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 on")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: 1 to 65535")
    return int(text)


def _server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, help="port of the local AWS (4566 or the next free one)")
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
    parser.add_argument("--account", type=_account, metavar="ACCOUNT", default=own, help=f"12 digits; without it {own}")


if __name__ == "__main__":
    sys.exit(main())

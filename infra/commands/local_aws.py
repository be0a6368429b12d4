"""The local AWS: start and stop it, see and empty what it holds."""

from __future__ import annotations

import argparse
import os
import shutil

from infra import profile, project, server_process
from infra.commands import cloud


def start(options: argparse.Namespace) -> int:
    """Start the local AWS and have the local profile lead to it. Raises ValueError where it runs at another pace."""
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


def stop(options: argparse.Namespace) -> int:
    """Stop the local AWS."""
    print(
        "The local AWS is stopped; its data stays."
        if server_process.stop(project.home())
        else "The local AWS is not running."
    )
    return 0


def status(options: argparse.Namespace) -> int:
    """Say what is running, what an account holds, and what it would cost on AWS."""
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
    """Bring the lake to where a chapter begins."""
    from infra import goto as way

    local = project.is_local(cloud())
    if local:
        os.environ["WORKSHOP_ACCOUNT"] = options.account  # the kernels' account
        running = server_process.start(project.home())
        profile.write(project.home(), running.endpoint, options.account)
    profile.activate(project.home(), cloud())
    import boto3

    return 0 if way.go(options.chapter, boto3.Session().client) else 1


def reset(options: argparse.Namespace) -> int:
    """Delete the data of the local AWS, or of one account; it asks before."""
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


def env(options: argparse.Namespace) -> int:
    """Print the exports that make any AWS tool use the chosen profile."""
    for name, value in profile.environment(project.home(), cloud()).items():
        print(f"export {name}={value}")
    return 0

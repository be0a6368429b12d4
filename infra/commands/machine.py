"""This machine: its set-up, what it has, and a class on it."""

from __future__ import annotations

import argparse
import sys


def setup(options: argparse.Namespace) -> int:
    """Install kernels and profile."""
    from infra import setup as steps

    try:
        steps.run()
    except RuntimeError as error:  # no Java, or something that could not be downloaded: the message says what to do
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what this machine has, and what to type where something is missing."""
    from infra import setup as checks

    findings = checks.examine()
    for finding in findings:
        print(f"{'ok ' if finding.fine else 'NO '} {finding.what:<40} {finding.seen}")
        if not finding.fine:
            print(f"    → type: {finding.remedy}")
    return 0 if all(finding.fine for finding in findings) else 1


def hold_class(options: argparse.Namespace) -> int:
    """Hold a class on this machine."""
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

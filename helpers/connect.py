"""Which cloud am I on? One call at the top of a notebook, one line of answer."""

from __future__ import annotations

import os

import boto3

from helpers import localhost, money, stacks
from infra import profile as profiles
from infra import project, server_process
from infra.teaching import cost


def connect(profile: str | None = None) -> boto3.Session:
    """Return a boto3 session on the chosen cloud, and say which one it is.

    The cloud is decided by the AWS profile: `workshop-local` (the default) is the local AWS, which is started when it is not running;
    any other profile of yours is real AWS. Every AWS client made afterwards in this notebook uses the same profile.

    Parameters
    ----------
    profile: name of an AWS profile; None takes the environment variable AWS_PROFILE, else the local one

    Raises infra.server_process.LocalAwsError when the local AWS does not start, botocore's ProfileNotFound for an unknown profile.
    """
    name = profile or os.environ.get("AWS_PROFILE")
    home = project.home()
    if project.is_local(name):
        running = server_process.start(home)
        localhost.resolve_names()
        profiles.write_chosen(home, running.endpoint)
    profiles.activate(home, name)
    boto3.setup_default_session()
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    if project.is_local(name):
        role = f" · as {os.environ['WORKSHOP_ROLE']}" if "WORKSHOP_ROLE" in os.environ else ""
        print(f"Local AWS · account {account}{role} · {session.region_name} · free, nothing leaves this computer")
        if pace := server_process.pace(running.endpoint):
            print(
                f"At {pace:g} of AWS's pace: what takes a minute there takes {60 * pace:g} s here, and who asks too often is throttled"
            )
    else:
        print(
            f"REAL AWS · profile {name} · account {account} · {session.region_name} · what you run here is on your bill"
        )
        for each in (boto3.DEFAULT_SESSION, session):
            money.watch(each)
        now = cost.running(session, stacks.FOLDER)
        print(
            f"{len(now.stacks)} stacks of the workshop are there: {now.hourly:.3f} USD an hour, {24 * now.hourly:.2f} a day"
        )
    return session

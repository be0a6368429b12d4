"""The AWS profile that decides the cloud (design rule 1).

The project's own config file names one profile, `workshop-local`, whose endpoint is the local AWS and whose keys are dummies.
The user's own `~/.aws` is read when another profile is chosen, and never written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from infra import project

ACCOUNT = "123456789012"
REGION = "us-east-1"
SESSION_SECONDS = 14_400  # as long as infra/stacks/00_participant.yaml allows


def files(home: Path) -> tuple[Path, Path]:
    """Return the paths of the project's AWS config file and credentials file."""
    return home / "aws" / "config", home / "aws" / "credentials"


def settings(endpoint: str) -> str:
    """Return the local profile's part of the config file. AWS's prefix of a host (`sync-` of Step Functions) would lead away from this computer."""
    lines = (
        f"[profile {project.LOCAL_PROFILE}]",
        f"region = {REGION}",
        f"endpoint_url = {endpoint}",
        "disable_host_prefix_injection = true",
    )
    return "\n".join(lines) + "\n"


NO_SECRET = "not-a-secret"


class Keys(NamedTuple):
    """What a request is signed with. A session of a role has a token."""

    access_key_id: str
    secret_access_key: str = NO_SECRET
    session_token: str | None = None


def write(home: Path, endpoint: str, account: str = ACCOUNT, role: str | None = None) -> None:
    """Write the local profile. In a class it stays as it is: it holds the learner's own key.

    Parameters
    ----------
    endpoint: the server's URL
    account: the 12 digits that serve as access key id
    role: name of a role in that account whose session the profile is; None for the account's own key

    Raises botocore's ClientError for a role that cannot be assumed.
    """
    if (home / "class.json").exists():
        return
    root = Keys(account, _secret(home))
    keys = _assume(endpoint, root, role) if role else root
    config, credentials = files(home)
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(settings(endpoint))
    lines = [f"aws_{name} = {value}" for name, value in keys._asdict().items() if value is not None]
    credentials.write_text("\n".join([f"[{project.LOCAL_PROFILE}]", *lines, ""]))
    credentials.chmod(0o600)


def write_chosen(home: Path, endpoint: str) -> None:
    """Write the local profile for the account and the role that WORKSHOP_ACCOUNT and WORKSHOP_ROLE name."""
    write(home, endpoint, os.environ.get("WORKSHOP_ACCOUNT", ACCOUNT), os.environ.get("WORKSHOP_ROLE"))


def _secret(home: Path) -> str:
    """Return what the root of an account signs with: the server's own key where it holds a class, for only then it is checked."""
    file = home / "server.json"
    told = json.loads(file.read_text()) if file.exists() else {}
    return told["key"] if told.get("class") else NO_SECRET


def _assume(endpoint: str, root: Keys, role: str) -> Keys:
    import boto3

    sts = boto3.client(
        "sts",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
    )
    made = sts.assume_role(
        RoleArn=f"arn:aws:iam::{root.access_key_id}:role/{role}",
        RoleSessionName="learner",
        DurationSeconds=SESSION_SECONDS,
    )["Credentials"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def environment(home: Path, profile: str | None) -> dict[str, str]:
    """Return the environment variables that make every AWS client use a profile.

    For the local profile they point at the project's files (AWS_CREDENTIAL_PROFILES_FILE is what Java's SDK 1 reads), for any other at none:
    then the user's own files count.
    """
    if not project.is_local(profile):
        return {"AWS_PROFILE": str(profile)}
    config, credentials = files(home)
    return {
        "AWS_PROFILE": project.LOCAL_PROFILE,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CREDENTIAL_PROFILES_FILE": str(credentials),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


OVERRIDES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)


def activate(home: Path, profile: str | None) -> None:
    """Make every AWS client that this process creates from now on use a profile.

    For the local profile, keys and endpoints in the environment are removed: they would win over the profile, and could lead to real AWS.
    """
    if project.is_local(profile):
        for name in [*OVERRIDES, *(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_"))]:
            os.environ.pop(name, None)
    os.environ.update(environment(home, profile))

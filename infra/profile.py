"""The AWS profile that decides the cloud (design rule 1).

The project's own config file names one profile, `workshop-local`, whose endpoint is the local AWS and whose keys are dummies.
The user's own `~/.aws` is read when another profile is chosen, and never written.
"""

from __future__ import annotations

import os
from pathlib import Path

from infra import project

ACCOUNT = "123456789012"
REGION = "us-east-1"


def files(home: Path) -> tuple[Path, Path]:
    """Return the paths of the project's AWS config file and credentials file."""
    return home / "aws" / "config", home / "aws" / "credentials"


def write(home: Path, endpoint: str, account: str = ACCOUNT) -> None:
    """Write the local profile: `endpoint` is the server's URL, `account` the 12 digits that serve as access key id."""
    config, credentials = files(home)
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"[profile {project.LOCAL_PROFILE}]\nregion = {REGION}\nendpoint_url = {endpoint}\n")
    credentials.write_text(
        f"[{project.LOCAL_PROFILE}]\naws_access_key_id = {account}\naws_secret_access_key = not-a-secret\n"
    )
    credentials.chmod(0o600)


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
)


def activate(home: Path, profile: str | None) -> None:
    """Make every AWS client that this process creates from now on use a profile.

    For the local profile, keys and endpoints in the environment are removed: they would win over the profile, and could lead to real AWS.
    """
    if project.is_local(profile):
        for name in OVERRIDES:
            os.environ.pop(name, None)
    os.environ.update(environment(home, profile))

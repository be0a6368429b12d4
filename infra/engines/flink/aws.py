"""Which AWS the kernel talks to: the profile's endpoints and keys, handed on to Flink's connectors."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

from infra import profile as profiles
from infra import project

KEY_PROPERTIES = ("aws.accessKeyId", "aws.secretKey", "aws.secretAccessKey", "aws.sessionToken")
# reads the properties above at each request, so that renewed keys are used; also taken for S3, where nothing else is looked for
S3_KEYS = "com.amazonaws.auth.SystemPropertiesCredentialsProvider"


@dataclass(frozen=True)
class Aws:
    """One AWS: its session, region, and the endpoints that the profile names (None: AWS's own)."""

    session: boto3.Session = field(compare=False)
    region: str
    kinesis_endpoint: str | None
    s3_endpoint: str | None

    def flink_options(self) -> dict[str, str]:
        """Flink's options for `s3://`."""
        options = {"s3.aws.credentials.provider": S3_KEYS, "s3.endpoint.region": self.region}
        if self.s3_endpoint:
            options |= {"s3.endpoint": self.s3_endpoint, "s3.path.style.access": "true"}
        return options

    def kinesis_options(self) -> dict[str, str]:
        """Options that a Kinesis table needs beside its own."""
        return {"aws.region": self.region} | self.endpoint_options()

    def endpoint_options(self) -> dict[str, str]:
        """Those of them that say where an AWS is which is not AWS's own."""
        if self.kinesis_endpoint is None:
            return {}
        # the sink would speak HTTP/2, which only AWS's own endpoint does
        return {"aws.endpoint": self.kinesis_endpoint, "aws.http.protocol.version": "HTTP1_1"}

    def connector_properties(self) -> dict[str, str]:
        """What java/AWSOptionUtils.java gives to Kinesis tables that do not say it themselves; empty endpoint: AWS's own."""
        return {"workshop.aws.endpoint": self.kinesis_endpoint or "", "workshop.aws.region": self.region}

    def key_properties(self) -> dict[str, str]:
        """The profile's keys as Java system properties of the AWS SDKs 1 and 2; renewed by botocore when they expire."""
        credentials = self.session.get_credentials()
        if credentials is None:
            return {}
        frozen = credentials.get_frozen_credentials()
        values = (frozen.access_key, frozen.secret_key, frozen.secret_key, frozen.token or "")
        return {name: value for name, value in zip(KEY_PROPERTIES, values, strict=True) if value}


class Profile:
    """Finds the AWS of the profile, anew when the profile or its files change (`connect()`, a server on another port)."""

    def __init__(self):
        profiles.activate(project.home(), os.environ.get("AWS_PROFILE"))
        self._state = None
        self._aws = None

    def aws(self) -> Aws:
        """The AWS of now."""
        state = self._look()
        if state != self._state:
            self._aws, self._state = self._find(), state
        return self._aws

    @staticmethod
    def _look() -> tuple:
        variables = tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_")))
        files = (
            os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
            os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        )
        times = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in (Path(f).expanduser() for f in files))
        return variables, times

    @staticmethod
    def _find() -> Aws:
        session = boto3.Session()
        region = session.region_name or profiles.REGION
        return Aws(session, region, _own_endpoint(session, "kinesis", region), _own_endpoint(session, "s3", region))


def _own_endpoint(session: boto3.Session, service: str, region: str) -> str | None:
    used = session.client(service, region_name=region).meta.endpoint_url
    public = session.client(
        service, region_name=region, config=Config(ignore_configured_endpoint_urls=True)
    ).meta.endpoint_url
    return None if used == public else used

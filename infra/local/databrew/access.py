"""What DataBrew does for a project or a job it does as the role that it was given; here are the objects and tables that the role may touch.

Source: https://docs.aws.amazon.com/databrew/latest/dg/setting-up-iam-policy-for-data-resources-role.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local import s3
from infra.local.core import roles

from .backend import DataBrewBackend
from .errors import BrewError, invalid

SERVICE = "databrew"


def check_role(account: str, arn: str, denied: str = "AccessDeniedException") -> None:
    """Raises BrewError unless the role is there and trusts DataBrew.

    Parameters
    ----------
    denied: the code of the error, for operations whose model has no AccessDeniedException
    """
    try:
        roles.session(account, arn, SERVICE)
    except roles.CannotAssume as error:
        if denied != "AccessDeniedException":
            raise invalid(str(error)) from None
        raise BrewError(denied, 403, str(error)) from None


class Access:
    """A role at work. Its methods raise DataRefused with AWS's sentence for what the role may not do."""

    def __init__(self, backend: DataBrewBackend, role: str, source_arn: str):
        from .engine import DataRefused

        self.backend, self.account, self.region = backend, backend.account_id, backend.region_name
        try:
            self._session = roles.session(self.account, role, SERVICE, source_arn=source_arn)
        except roles.CannotAssume as error:
            raise DataRefused(str(error)) from None

    def _check(self, action: str, arn: str, **keys: str) -> None:
        from .engine import DataRefused

        given: dict[str, tuple[str, ...]] = {f"s3:{name}": (value,) for name, value in keys.items()}
        try:
            roles.check(self._session, self.region, action, arn, given)
        except roles.Denied as denied:
            raise DataRefused(str(denied)) from None

    def may(self, action: str, arn: str) -> bool:
        return roles.is_allowed(self._session, self.region, action, arn)

    def objects(self, bucket: str, prefix: str) -> list[Any]:
        """The objects below a prefix. Raises DataRefused when there is no such bucket."""
        self.must_exist(bucket)
        self._check("s3:ListBucket", f"arn:aws:s3:::{bucket}", prefix=prefix)
        return s3.objects(self.account, bucket, prefix)

    def must_own(self, location: dict[str, Any]) -> None:
        """Raises DataRefused when a location names another owner of its bucket."""
        from .engine import DataRefused

        owner = location.get("BucketOwner", self.account)
        if owner != self.account:
            raise DataRefused(f"Access denied: the bucket {location['Bucket']} is not owned by the account {owner}.")

    def must_exist(self, bucket: str) -> None:
        from .engine import DataRefused

        if not s3.exists(self.account, bucket):
            raise DataRefused(f"The bucket {bucket} does not exist.")

    def read(self, bucket: str, key: str) -> Path:
        """The file with an object's bytes. Raises DataRefused when it is gone."""
        from .engine import DataRefused

        self._check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        try:
            return s3.get(self.account, bucket, key).path
        except (s3.MissingBucket, s3.MissingKey):
            raise DataRefused(f"The object s3://{bucket}/{key} is gone.") from None

    def may_write(self, bucket: str, key: str) -> None:
        self._check("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")

    def may_delete(self, bucket: str, key: str) -> None:
        self._check("s3:DeleteObject", f"arn:aws:s3:::{bucket}/{key}")

    def table(self, told: dict[str, Any]) -> dict[str, Any]:
        """A table as Glue describes it, with its partitions as `Partitions`. Raises DataRefused when there is none.

        Parameters
        ----------
        told: DatabaseName and TableName, and CatalogId, which is the account's own
        """
        from .engine import DataRefused

        database, name = told["DatabaseName"], told["TableName"]
        if told.get("CatalogId", self.account) != self.account:
            raise DataRefused(
                f"The catalog {told['CatalogId']} is of another account, which the local AWS does not reach."
            )
        glue = self._session.client(self.region, "glue")
        try:
            found = glue.get_table(DatabaseName=database, Name=name)["Table"]
            partitions: list[dict[str, Any]] = []
            if found.get("PartitionKeys"):
                for page in glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name):
                    partitions += page["Partitions"]
        except glue.exceptions.EntityNotFoundException:
            raise DataRefused(f"The table {name} of the database {database} wasn't found.") from None
        except ClientError as error:
            raise DataRefused(error.response["Error"]["Message"]) from None
        return {**found, "Partitions": partitions}


def delete(account: str, bucket: str, key: str) -> None:
    """Delete an object that the service wrote, if its bucket is there."""
    if s3.exists(account, bucket):
        s3.delete(account, bucket, key)

"""What a crawler does it does as its role: it lists and reads S3 and writes the Data Catalog with the role's permissions.

Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html, https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

from __future__ import annotations

import uuid
from typing import Any

from infra.local.core import roles
from infra.local.core.roles.denial import Denied, sentence

SESSION_NAME = "AWS-Crawler"
GUIDE = (
    "For more information, see Setting up IAM Permissions in the Developer Guide "
    "(http://docs.aws.amazon.com/glue/latest/dg/getting-started-access.html)."
)


class CrawlDenied(Exception):
    """The role lacks a permission, and the crawl ends. `line` is what the log says, the message what LastCrawl says."""

    def __init__(self, denied: Denied, service: str, status: int, code: str):
        told = sentence(denied.ask, denied.decision, quoted=service == "Amazon S3")
        super().__init__(told)
        request = (
            f"(Service: {service}; Status Code: {status}; Error Code: {code}; Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        self.line = f"{told} {request}. {GUIDE}"


class Rights:
    """The permissions of one crawl's role; `unread` are log lines about files that it may not read."""

    def __init__(self, session: roles.Session, region: str):
        self.session, self.region = session, region
        self.unread: list[str] = []

    def check_list(self, bucket: str, prefix: str) -> None:
        """Raises CrawlDenied unless the role may list a folder of a bucket."""
        keys = {"s3:prefix": (prefix,)}
        try:
            roles.check(self.session, self.region, "s3:ListBucket", f"arn:aws:s3:::{bucket}", keys)
        except Denied as denied:
            raise CrawlDenied(denied, "Amazon S3", 403, "AccessDenied") from None

    def may_read(self, bucket: str, key: str) -> bool:
        """Whether the role may read an object. One that it may not read is told in the log, and the crawl goes on."""
        if roles.is_allowed(self.session, self.region, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
            return True
        self.unread.append(
            f"ERROR : Error Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: {uuid.uuid4()}) "
            f"retrieving file at s3://{bucket}/{key}. Tables created did not infer schemas from this file."
        )
        return False

    def may_log(self, group: str, stream: str) -> bool:
        arn = f"arn:aws:logs:{self.region}:{self.session.account}:log-group:{group}:log-stream:{stream}"
        return roles.is_allowed(self.session, self.region, "logs:PutLogEvents", arn)

    def check_catalog(self, action: str, database: str, table: str = "") -> None:
        """Raises CrawlDenied unless the role may do this in the Data Catalog: to the table, its database and the catalog."""
        prefix = f"arn:aws:glue:{self.region}:{self.session.account}:"
        resources = ["catalog", f"database/{database}", *([f"table/{database}/{table}"] if table else [])]
        try:
            for resource in resources:
                roles.check(self.session, self.region, f"glue:{action}", prefix + resource)
        except Denied as denied:
            raise CrawlDenied(denied, "AWSGlue", 400, "AccessDeniedException") from None


class CatalogAsRole:
    """The Data Catalog for one crawl: each call is checked first. What is not a call of the API goes through."""

    def __init__(self, backend: Any, rights: Rights):
        self._backend, self._rights = backend, rights

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def create_database(self, name: str, given: dict[str, Any]) -> Any:
        self._rights.check_catalog("CreateDatabase", name)
        return self._backend.create_database(name, given)

    def get_database(self, name: str) -> Any:
        self._rights.check_catalog("GetDatabase", name)
        return self._backend.get_database(name)

    def get_tables(self, database: str) -> Any:
        self._rights.check_catalog("GetTables", database)
        return self._backend.get_tables(database)

    def get_table(self, database: str, name: str) -> Any:
        self._rights.check_catalog("GetTable", database, name)
        return self._backend.get_table(database, name)

    def create_table(self, database: str, name: str, given: dict[str, Any], **more: Any) -> Any:
        self._rights.check_catalog("CreateTable", database, name)
        return self._backend.create_table(database, name, given, **more)

    def update_table(self, database: str, name: str, given: dict[str, Any]) -> Any:
        self._rights.check_catalog("UpdateTable", database, name)
        return self._backend.update_table(database, name, given)

    def delete_table(self, database: str, name: str) -> Any:
        self._rights.check_catalog("DeleteTable", database, name)
        return self._backend.delete_table(database, name)

    def batch_create_partition(self, database: str, table: str, parts: list[Any]) -> Any:
        self._rights.check_catalog("BatchCreatePartition", database, table)
        return self._backend.batch_create_partition(database, table, parts)

    def batch_update_partition(self, database: str, table: str, entries: list[Any]) -> Any:
        self._rights.check_catalog("BatchUpdatePartition", database, table)
        return self._backend.batch_update_partition(database, table, entries)

    def batch_delete_partition(self, database: str, table: str, values: list[Any]) -> Any:
        self._rights.check_catalog("BatchDeletePartition", database, table)
        return self._backend.batch_delete_partition(database, table, values)

    def partition_index(self, table: Any, name: str, keys: list[str]) -> None:
        """Make a table's index of its partitions."""
        self._rights.check_catalog("CreatePartitionIndex", table.database_name, table.name)
        table.indexes[name] = keys

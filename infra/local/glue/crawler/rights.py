"""What a crawler does it does as its role: it lists and reads S3 and writes the Data Catalog with the role's permissions.

Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html, https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

from __future__ import annotations

import uuid

from infra.local.core import roles
from infra.local.core.roles.denial import Denied, sentence
from infra.local.glue.catalog.checked import resources

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

    def check_catalog(self, action: str, database: str, table: str) -> None:
        """Raises CrawlDenied unless the role may do this in the Data Catalog."""
        try:
            for arn in resources(self.session.account, self.region, database, table):
                roles.check(self.session, self.region, f"glue:{action}", arn)
        except Denied as denied:
            raise CrawlDenied(denied, "AWSGlue", 400, "AccessDeniedException") from None

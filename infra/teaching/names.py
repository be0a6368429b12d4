"""Which names are the workshop's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

TAG = ("workshop", "AnalyticsOnAWS")  # what every stack and every notebook puts on what it makes
BEGINNINGS = ("analytics-workshop", "analyticsworkshop", "analyticsonaws", "delivery-analytics-workshop")
OF_CHAPTER_09 = ("automationarrivals", "automationsummary", "automationchain", "automationbatch")  # whole names
BUCKET = re.compile(r"aw-\d{12}-analytics-workshop-\S+|aw-hello-\d{12}")
PARTICIPANT = (
    "analytics-workshop-00-participant",
    "analyticsworkshopparticipant",
)  # the learner's role: its account's owner made it
LOG_GROUPS = re.compile(
    r"/aws/(?:lambda|kinesisfirehose|kinesis-analytics|vendedlogs/states|states)/(?P<name>.+)|/aws-glue-databrew/jobs/(?P<job>.+)"
)

_whole_account: ContextVar[bool] = ContextVar("whole_account", default=False)


@contextmanager
def whole_account() -> Iterator[None]:
    """Within it every name counts as the workshop's: for an account of the local AWS that is to become empty."""
    token = _whole_account.set(True)
    try:
        yield
    finally:
        _whole_account.reset(token)


def is_ours(name: str, tags: Mapping[str, str] | None = None) -> bool:
    """Tell whether a resource is of the chapters, by its name or by its tags."""
    if _whole_account.get():
        return True
    lower = name.lower()
    if lower.startswith(PARTICIPANT):
        return False
    return lower.startswith(BEGINNINGS) or lower in OF_CHAPTER_09 or (tags or {}).get(TAG[0]) == TAG[1]


def is_our_bucket(name: str) -> bool:
    """Tell whether a bucket is the lake's, or the one that chapter 00 makes and takes away."""
    return _whole_account.get() or BUCKET.fullmatch(name) is not None


def is_our_log_group(name: str) -> bool:
    """Tell whether a log group belongs to a function, stream, application, machine or DataBrew job of the workshop.

    Groups that all of an account share (`/aws-glue/jobs/output`) are never the workshop's: only streams in them are.
    """
    if _whole_account.get():
        return True
    found = LOG_GROUPS.fullmatch(name)
    return found is not None and is_ours(found["name"] or found["job"])

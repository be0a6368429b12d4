"""AWS Glue: the catalog, crawlers, sessions, jobs, visual jobs, triggers and workflows, each made real in a folder or module of its own."""

from infra.local.core.service import Service
from infra.local.glue.backend import BACKENDS, RESPONSE, UNLOCKED, UNSAVED, carry, flush, resume, stop
from infra.local.glue.catalog.checked import CheckedCatalog, resources
from infra.local.glue.workflows.running import notify

SERVICE = Service(
    "glue",
    BACKENDS,
    RESPONSE,
    unlocked=UNLOCKED,
    quick={"GetCrawler", "GetDatabase", "GetJob", "GetJobRun", "GetPartition", "GetTable"},
    unsaved=UNSAVED,
    carry=carry,
    flush=flush,
    resume=resume,
    stop=stop,
)

__all__ = ["SERVICE", "CheckedCatalog", "notify", "resources"]

"""AWS Glue: the catalog, crawlers, sessions, jobs and visual jobs, each made real in a folder or module of its own."""

from infra.local.core.service import Service
from infra.local.glue.backend import BACKENDS, RESPONSE, UNLOCKED, UNSAVED, carry, flush, resume, stop
from infra.local.glue.catalog.checked import CheckedCatalog, resources

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

__all__ = ["SERVICE", "CheckedCatalog", "resources"]

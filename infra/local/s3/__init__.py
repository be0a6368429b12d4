"""Amazon S3: objects are files; puts, reads and listings are answered on moto's state without moto's dispatch."""

from infra.local.core.service import Service
from infra.local.s3.backend import BACKENDS, RESPONSE
from infra.local.s3.buckets import flush
from infra.local.s3.face import MissingBucket, MissingKey, delete, exists, get, objects, put
from infra.local.s3.lifetime import carry, forget, resume, stop
from infra.local.s3.objects import StoredKey
from infra.local.s3.wire import wire

SERVICE = Service(
    "s3", BACKENDS, RESPONSE, wire=wire, carry=carry, flush=flush, forget=forget, resume=resume, stop=stop
)

__all__ = ["MissingBucket", "MissingKey", "StoredKey", "delete", "exists", "get", "objects", "put"]

"""Amazon S3: objects are files; puts, reads and listings are answered on moto's state without moto's dispatch."""

from infra.local.core.service import Service
from infra.local.s3.objects import (
    BACKENDS,
    RESPONSE,
    BadChecksum,
    MissingBucket,
    MissingKey,
    Receiver,
    StoredKey,
    changed,
    chunks,
    delete_object,
    exists,
    find_bucket,
    flush,
    get,
    is_plain_put,
    list_objects_v2,
    objects,
    put,
    put_object,
    put_part,
    read_object,
    resume,
    stop,
)

SERVICE = Service("s3", BACKENDS, RESPONSE, flush=flush, resume=resume, stop=stop)

__all__ = [
    "BadChecksum", "MissingBucket", "MissingKey", "Receiver", "StoredKey", "changed", "chunks", "delete_object", "exists", "find_bucket",
    "get", "is_plain_put", "list_objects_v2", "objects", "put", "put_object", "put_part", "read_object",
]  # fmt: skip

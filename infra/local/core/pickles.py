"""Pickles of backends: classes of older lakes are found where they are now, locks become new ones, collections stay in their rows."""

from __future__ import annotations

import copyreg
import io
import pickle
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, BinaryIO
from weakref import WeakValueDictionary

from infra.local.core import record_rows, records
from infra.local.core.moved import MOVED, MOVED_CLASSES

_keys_are_known = False


class _Unpickler(pickle.Unpickler):
    """Finds a class of an older lake where it is now."""

    def find_class(self, module: str, name: str) -> Any:
        module = MOVED.get(module, module)
        return super().find_class(MOVED_CLASSES.get((module, name), module), name)


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table.copy()


def _fresh_lock() -> Any:
    return threading.Lock()


def _fresh_rlock() -> Any:
    return threading.RLock()


_Pickler.dispatch_table[type(threading.Lock())] = lambda _: (_fresh_lock, ())
_Pickler.dispatch_table[type(threading.RLock())] = lambda _: (_fresh_rlock, ())
_Pickler.dispatch_table[WeakValueDictionary] = lambda weak: (WeakValueDictionary, (dict(weak),))


def _private_key(data: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(data, None)


def _key_bytes(key: Any) -> tuple[Any, tuple[bytes]]:
    from cryptography.hazmat.primitives import serialization

    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _private_key, (key.private_bytes(*form),)


def _learn_keys() -> None:
    """Let private keys (of KMS) be pickled: looked up once their library is loaded, which is when somebody makes one."""
    global _keys_are_known
    library = sys.modules.get("cryptography.hazmat.bindings._rust")
    if library is None or _keys_are_known:
        return
    for module in vars(library.openssl).values():
        for name, kind in vars(module).items() if isinstance(module, types.ModuleType) else ():
            if name.endswith("PrivateKey") and hasattr(kind, "private_bytes"):
                _Pickler.dispatch_table[kind] = _key_bytes
    _keys_are_known = True


for _kind in records.KINDS.values():
    _Pickler.dispatch_table[_kind] = record_rows.reduce


def share(kind: type, where: Callable[[Any], tuple[records.RecordDict | None, str]]) -> None:
    """Let objects of a class, which other objects hold too, be saved once: as records of their collection.

    Parameters
    ----------
    kind: the class itself; its subclasses are shared on their own
    where: an object → the collection that it is a record of (None: of none), and its name there. Records may refer to others, not in circles
    """
    _Pickler.dispatch_table[kind] = lambda record: record_rows.reduce_shared(record, *where(record))


def load_from(file: BinaryIO) -> Any:
    """Read what `dumps` made from a file.

    Parameters
    ----------
    file: open for reading, in binary
    """
    return _Unpickler(file).load()


def loads(data: bytes) -> Any:
    """Read what `dumps` made.

    Parameters
    ----------
    data: a pickle
    """
    return load_from(io.BytesIO(data))


def dumps(value: Any) -> bytes:
    """Pickle `value`; locks in it become new, free ones.

    Parameters
    ----------
    value: a backend, or a record of one; collections in it become their numbers within `record_rows.meeting`
    """
    _learn_keys()
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()

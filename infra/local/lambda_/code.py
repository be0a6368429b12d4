"""Code of functions and content of layers: zips in files, one by digest, unpacked when a function first runs.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import shutil
import stat
import tempfile
import threading
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.local.core import contents, state, telemetry
from infra.local.lambda_.errors import LambdaError, invalid

ZIP_LIMIT = 52_428_800  # bytes of a zip in a request
UNZIPPED_LIMIT = 262_144_000  # bytes of code and layers

_unpacking = threading.Lock()


class Package(NamedTuple):
    """A zip that is stored: its digest (hexadecimal) and its sizes in bytes."""

    digest: str
    size: int
    unzipped: int

    @property
    def sha256(self) -> str:
        """The digest as AWS answers it."""
        return base64.b64encode(binascii.unhexlify(self.digest)).decode()


def store(account: str, region: str, given: dict[str, Any], operation: str) -> Package:
    """Check and store the zip of a request's Code or Content.

    Parameters
    ----------
    given: ZipFile (base64) or S3Bucket and S3Key

    Raises LambdaError for no zip, a zip with paths that lead outside, one that is too large, or no such object.
    """
    data = _from_request(given, operation) if given.get("ZipFile") is not None else _from_s3(account, region, given)
    unzipped = _check(data)
    digest = hashlib.sha256(data).hexdigest()
    path = _zip(account, region, digest)
    if not path.exists():
        state.write_atomically(path, data)
        contents.made(path)
    return Package(digest, len(data), unzipped)


def _from_request(given: dict[str, Any], operation: str) -> bytes:
    try:
        data = base64.b64decode(given["ZipFile"], validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.") from None
    if len(data) > ZIP_LIMIT:
        raise LambdaError(
            "RequestEntityTooLargeException",
            f"Request must be smaller than 70167211 bytes for the {operation} operation",
        )
    return data


def _from_s3(account: str, region: str, given: dict[str, Any]) -> bytes:
    if not given.get("S3Bucket") or not given.get("S3Key"):
        raise invalid("Please provide a source for function code.")
    s3 = telemetry.client(account, region, "s3")
    place = {"Bucket": given["S3Bucket"], "Key": given["S3Key"]}
    if given.get("S3ObjectVersion"):
        place["VersionId"] = given["S3ObjectVersion"]
    try:
        found = s3.get_object(**place)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"].rstrip(".")
        full = f"{message}." if code == "NoSuchKey" else message
        raise invalid(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {full}") from None
    if found["ContentLength"] > UNZIPPED_LIMIT:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")
    return found["Body"].read()


def _check(data: bytes) -> int:
    """Return the unzipped size of a zip. Raises LambdaError for what AWS does not take."""
    bad = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    if not data:
        raise invalid("Uploaded file must be a non-empty zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(_leads_outside(entry.filename) or entry.flag_bits & 1 for entry in entries):
                raise bad
            files = {entry.filename for entry in entries if not entry.is_dir()}
            if any(str(parent) in files for name in files for parent in PurePosixPath(name).parents):
                raise bad
            size = sum(entry.file_size for entry in entries)
            if size > UNZIPPED_LIMIT:
                raise invalid(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")
            if archive.testzip() is not None:
                raise bad
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise bad from None
    if not entries:
        raise invalid("Uploaded file must be a non-empty zip")
    return size


def _leads_outside(name: str) -> bool:
    return (
        name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or "\x00" in name or ":" in name[:2]
    )


def _folder(account: str, region: str) -> Path:
    return state.folder("lambda", account, region)


def _zip(account: str, region: str, digest: str) -> Path:
    path = _folder(account, region) / "code" / f"{digest}.zip"
    path.parent.mkdir(exist_ok=True)
    return path


def zipped(account: str, region: str, digest: str) -> bytes:
    """Return a stored zip."""
    return _zip(account, region, digest).read_bytes()


def unzipped_size(account: str, region: str, digest: str) -> int:
    with zipfile.ZipFile(_zip(account, region, digest)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def unpacked(account: str, region: str, digest: str) -> Path:
    """Return the folder with the content of a zip; it is unpacked when it is not."""
    return _made(_folder(account, region) / "unpacked" / digest, [_zip(account, region, digest)])


def layered(account: str, region: str, digests: list[str]) -> Path | None:
    """Return the folder with the content of layers, later ones over earlier ones; None without layers."""
    if not digests:
        return None
    name = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    zips = [_zip(account, region, digest) for digest in digests]
    return _made(_folder(account, region) / "layered" / name, zips)


def _made(folder: Path, zips: list[Path]) -> Path:
    """Return a folder, unpacked at one go: what a killed server left half done is not taken for it."""
    with _unpacking:
        if folder.exists():
            return folder
        folder.parent.mkdir(exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".part"))
        try:
            for path in zips:
                with zipfile.ZipFile(path) as archive:
                    for entry in archive.infolist():
                        _extract(archive, entry, part)
            part.chmod(0o755)
            os.replace(part, folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Write one entry with its mode; a symbolic link is written as the text that it is."""
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with archive.open(entry) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file)
    mode = stat.S_IMODE(entry.external_attr >> 16)
    target.chmod((mode | 0o444) & 0o555 if mode else 0o444)


def forget(account: str, region: str, kept: set[str]) -> None:
    """Delete the zips and folders that no version of a function or layer has any more, unless functions were set aside: they may be theirs."""
    root = _folder(account, region)
    if any(root.parent.glob("lambda.*.set-aside")):
        return
    for path in (root / "code").glob("*.zip"):
        if path.stem not in kept:
            contents.gone(path)
            path.unlink(missing_ok=True)
            shutil.rmtree(root / "unpacked" / path.stem, ignore_errors=True)

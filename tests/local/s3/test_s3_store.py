"""S3's files, journal and index: whatever is lost of the index, no object is; copies and uploads in parts; pages of versions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.s3.store import Store
from tests.conftest import Server

MIB = 1 << 20


def fill(s3: Any, bucket: str) -> None:
    """23 objects: with metadata and tags, in parts, copied, replaced, deleted, in versions."""
    s3.create_bucket(Bucket=bucket)
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{number:02}", Body=b"x" * number, Metadata={"n": str(number)})
    s3.put_object(Bucket=bucket, Key="k00", Body=b"new", ContentType="text/plain")
    s3.put_object(Bucket=bucket, Key="gone", Body=b"gone")
    s3.delete_object(Bucket=bucket, Key="gone")
    s3.put_object_tagging(Bucket=bucket, Key="k01", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k19")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
        for n, body in ((1, b"a" * 5 * MIB), (2, b"b"))
    ]  # fmt: skip
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="versions", Body=b"one")
    s3.put_object(Bucket=bucket, Key="versions", Body=b"two")
    s3.delete_object(Bucket=bucket, Key="k02")


def picture(s3: Any, bucket: str) -> Any:
    """All that can be seen of a bucket."""
    answer = s3.list_object_versions(Bucket=bucket)
    versions = [(v["Key"], v["VersionId"], v["ETag"], v["Size"], v["IsLatest"]) for v in answer["Versions"]]
    bodies = {
        (key, version): s3.get_object(Bucket=bucket, Key=key, VersionId=version) for key, version, _, _, _ in versions
    }
    told = {
        where: (got["Body"].read(), got["Metadata"], got["ContentType"], got.get("TagCount"))
        for where, got in bodies.items()
    }
    return versions, told, [(m["Key"], m["VersionId"]) for m in answer["DeleteMarkers"]]


def remove(folder: Path) -> None:
    for path in folder.glob("index.sqlite*"):
        path.unlink()


def empty(folder: Path) -> None:
    remove(folder)
    (folder / "index.sqlite").touch()


def damage(folder: Path) -> None:
    for path in folder.glob("index.sqlite*"):
        path.write_bytes(b"\x00garbage" * 1000)


def without_wal(folder: Path) -> None:
    for path in folder.glob("index.sqlite-*"):
        path.unlink()


@pytest.mark.parametrize("lose", [remove, empty, damage, without_wal])
def test_a_lost_index_is_made_anew(own_server: Server, account: str, lose: Any) -> None:
    s3 = own_server.client("s3", account)
    fill(s3, "lake")
    before = picture(s3, "lake")
    assert len(before[0]) == 24 and len(before[2]) == 1
    own_server.kill()
    lose(own_server.home / "state" / account / "aws" / "s3")
    own_server.restart()
    assert picture(s3, "lake") == before
    s3.put_object(Bucket="lake", Key="after", Body=b"after")
    own_server.kill()
    own_server.restart()
    assert s3.get_object(Bucket="lake", Key="after")["Body"].read() == b"after"
    assert not (own_server.home / "state" / account / "aws" / "s3" / "set-aside").exists()


def test_a_lost_journal_is_made_anew(own_server: Server, account: str) -> None:
    s3 = own_server.client("s3", account)
    fill(s3, "lake")
    before = picture(s3, "lake")
    own_server.stop()
    (own_server.home / "state" / account / "aws" / "s3" / "objects" / "journal").unlink()
    own_server.restart()
    assert picture(s3, "lake") == before


def test_a_copied_home_opens_elsewhere(own_server: Server, account: str, tmp_path: Path) -> None:
    s3 = own_server.client("s3", account)
    fill(s3, "lake")
    before = picture(s3, "lake")
    own_server.stop()
    shutil.copytree(own_server.home, tmp_path / "copy")
    shutil.rmtree(own_server.home)
    copied = Server(tmp_path / "copy")
    try:
        assert picture(copied.client("s3", account), "lake") == before
    finally:
        copied.stop()
        own_server.start()


def test_the_index_is_one_file_after_a_stop(own_server: Server, account: str) -> None:
    s3 = own_server.client("s3", account)
    fill(s3, "lake")
    before = picture(s3, "lake")
    own_server.stop()
    folder = own_server.home / "state" / account / "aws" / "s3"
    assert [path.name for path in folder.glob("index.sqlite*") if path.stat().st_size] == ["index.sqlite"]
    (folder / "objects" / "journal").unlink()
    own_server.restart()
    assert picture(s3, "lake") == before


def test_what_nobody_can_explain_is_set_aside(own_server: Server, account: str) -> None:
    own_server.client("s3", account).create_bucket(Bucket="lake")
    own_server.stop()
    objects = own_server.home / "state" / account / "aws" / "s3" / "objects"
    (objects / "ab").mkdir(parents=True)
    (objects / "incoming").mkdir()
    (objects / "ab" / ("ab" * 16)).write_bytes(b"whose is this?")
    (objects / "incoming" / ("cd" * 16)).write_bytes(b"an upload that a kill cut off")
    own_server.restart()
    assert (objects.parent / "set-aside" / ("ab" * 16)).read_bytes() == b"whose is this?"
    assert not list((objects / "incoming").iterdir())
    assert "1 files of S3" in (own_server.home / "server.log").read_text()


def test_settings_of_buckets_are_lost_but_no_object(own_server: Server, account: str) -> None:
    s3 = own_server.client("s3", account)
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="k", Body=b"v")
    own_server.stop()
    (own_server.home / "state" / account / "aws" / "s3.pickle").unlink()
    own_server.restart()
    assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"v"


def test_a_journal_is_compacted_and_a_cut_line_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(3000):
        store.write(("b", "k"), b"x" * 1000)
        store.write(("b", f"k{number % 7}"), b"y")
    size = (tmp_path / "objects" / "journal").stat().st_size
    store.tidy()
    assert (tmp_path / "objects" / "journal").stat().st_size < size / 100
    store.write(("b", "last"), b"z")
    store.close()
    with open(tmp_path / "objects" / "journal", "ab") as file:
        file.write(b'{"bucket": "b", "name": "cut')
    again = Store(tmp_path)
    again.write(("b", "next"), b"n")
    again.close()
    assert dict(Store(tmp_path).rows("b")) == {
        "k": b"x" * 1000,
        "last": b"z",
        "next": b"n",
        **{f"k{n}": b"y" for n in range(7)},
    }


def test_copies_of_large_objects_go_in_parts(client: Any, account: str) -> None:
    s3, bucket = client("s3"), f"copies-{account}"
    s3.create_bucket(Bucket=bucket)
    body = bytes(range(256)) * 4096 * 20
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    from boto3.s3.transfer import TransferConfig

    small_parts = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied", Config=small_parts)
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == body
    s3.copy_object(Bucket=bucket, Key="again", CopySource=f"{bucket}/copied")
    assert s3.head_object(Bucket=bucket, Key="again")["ETag"] == s3.head_object(Bucket=bucket, Key="large")["ETag"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    where = {"Bucket": bucket, "Key": "u", "UploadId": upload, "PartNumber": 1, "CopySource": f"{bucket}/large"}
    for given, code in (
        ({"CopySourceRange": "bytes=0-99999999"}, "InvalidArgument"),
        ({"CopySourceRange": "bytes=x"}, "InvalidArgument"),
        ({"CopySource": f"{bucket}/nothing"}, "NoSuchKey"),
        ({"CopySource": "no-such-bucket-at-all/k"}, "NoSuchBucket"),
        ({"UploadId": "nope"}, "NoSuchUpload"),
        ({"CopySourceIfMatch": '"0"'}, "PreconditionFailed"),
        ({"PartNumber": 10001}, "InvalidArgument"),
    ):
        with pytest.raises(ClientError) as caught:
            s3.upload_part_copy(**{**where, **given})
        assert caught.value.response["Error"]["Code"] == code, given
    part = s3.upload_part_copy(**where, CopySourceRange="bytes=256-1023")["CopyPartResult"]["ETag"]
    done = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    completed = s3.complete_multipart_upload(Bucket=bucket, Key="u", UploadId=upload, MultipartUpload=done)
    assert s3.get_object(Bucket=bucket, Key="u")["Body"].read() == body[256:1024]
    again = s3.complete_multipart_upload(Bucket=bucket, Key="u", UploadId=upload, MultipartUpload=done)
    assert again["ETag"] == completed["ETag"]


@pytest.mark.parametrize("call", ["upload_part", "complete", "abort", "list_parts"])
def test_an_upload_that_is_not_there(client: Any, account: str, call: str) -> None:
    s3, bucket = client("s3"), f"none-{account}"
    s3.create_bucket(Bucket=bucket)
    where = {"Bucket": bucket, "Key": "k", "UploadId": "nope"}
    with pytest.raises(ClientError) as caught:
        {
            "upload_part": lambda: s3.upload_part(**where, PartNumber=1, Body=b"x"),
            "complete": lambda: s3.complete_multipart_upload(
                **where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
            ),
            "abort": lambda: s3.abort_multipart_upload(**where),
            "list_parts": lambda: s3.list_parts(**where),
        }[call]()
    assert (caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("NoSuchUpload", 404)  # fmt: skip


def test_parts_survive_kill(own_server: Server, account: str) -> None:
    s3 = own_server.client("s3", account)
    s3.create_bucket(Bucket="lake")
    upload = s3.create_multipart_upload(Bucket="lake", Key="k", Metadata={"m": "1"})["UploadId"]
    tags = [
        s3.upload_part(Bucket="lake", Key="k", UploadId=upload, PartNumber=n, Body=bytes([n]) * 5 * MIB)["ETag"]
        for n in (2, 1)
    ]
    s3.upload_part(Bucket="lake", Key="k", UploadId=upload, PartNumber=3, Body=b"unused")
    own_server.kill()
    own_server.restart()
    assert [part["PartNumber"] for part in s3.list_parts(Bucket="lake", Key="k", UploadId=upload)["Parts"]] == [1, 2, 3]
    parts = [{"PartNumber": 1, "ETag": tags[1]}, {"PartNumber": 2, "ETag": tags[0]}]
    s3.complete_multipart_upload(Bucket="lake", Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    own_server.kill()
    own_server.restart()
    got = s3.get_object(Bucket="lake", Key="k")
    assert (got["Body"].read(), got["Metadata"]) == (b"\x01" * 5 * MIB + b"\x02" * 5 * MIB, {"m": "1"})
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="lake")


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_a_bucket_is_emptied_page_by_page_of_versions(client: Any, account: str, page: int) -> None:
    s3, bucket = client("s3"), f"empty-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(12):
        s3.put_object(Bucket=bucket, Key=f"k{number % 5}", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k1")
    s3.delete_object(Bucket=bucket, Key="k4")
    seen = []
    for answer in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": page}):
        found = [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
        seen += [(each["Key"], each["VersionId"]) for each in found]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert len(seen) == len(set(seen)) == 14
    s3.delete_bucket(Bucket=bucket)


def test_pages_of_versions_with_folders(client: Any, account: str) -> None:
    s3, bucket = client("s3"), f"folders-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b/1", "b/2", "c", "c", "d/1", "e"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    keys, folders, latest = [], [], []
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    for answer in pages:
        keys += [each["Key"] for each in answer.get("Versions", ())]
        latest += [each["IsLatest"] for each in answer.get("Versions", ())]
        folders += [each["Prefix"] for each in answer.get("CommonPrefixes", ())]
    assert (keys, folders, latest) == (["a", "c", "c", "e"], ["b/", "d/"], [True, True, False, True])

"""CRC-32C and CRC-64/NVME against their published check values, and large data against small pieces."""

import random

import pytest

from infra.local.s3 import crc


@pytest.mark.parametrize(("make", "check"), [(crc.crc32c, "e3069283"), (crc.crc64nvme, "ae8b14860a799888")])
def test_check_value(make, check):
    checksum = make()
    checksum.update(b"123456789")
    assert checksum.digest().hex() == check


@pytest.mark.parametrize("make", [crc.crc32c, crc.crc64nvme])
def test_large_data_gives_what_its_pieces_give(make):
    data = random.Random(5).randbytes(crc.SMALL_BYTES + 4321)
    whole, pieces = make(), make()
    whole.update(data)
    for at in range(0, len(data), 5000):
        pieces.update(data[at : at + 5000])
    assert whole.digest() == pieces.digest()

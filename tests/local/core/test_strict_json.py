"""JSON that other programs can read, and nothing else."""

from __future__ import annotations

import pytest

from infra.local.core import strict_json

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["NaN", '{"a": -Infinity}', "[1e999]", "", "{", "[" * 100_000, "[" * 202 + "]" * 202])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        strict_json.loads(text)


def test_numbers_are_as_they_are_written():
    assert strict_json.loads('[123456789012345678901234567890, 1.5, -0.0, "NaN"]') == [
        123456789012345678901234567890, 1.5, -0.0, "NaN",
    ]  # fmt: skip
    assert strict_json.loads("[" * 200 + "]" * 200) and len(strict_json.loads("[" + "[]," * 300 + "[]]")) == 301

"""Texts with stars."""

from __future__ import annotations

import time

import pytest

from infra.local.core import wildcards

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("", "", True), ("", "a", False), ("*", "", True), ("*", "a\nb", True), ("a*", "a", True), ("a*a", "a", False),
        ("a*a", "aa", True), ("ab*ba", "aba", False), ("*b*", "abc", True), ("*bc*bc", "abcbc", True), ("*bc*bc", "abc", False),
        (r"a\*b", "a*b", True), (r"a\*b", "axb", False), (r"\\*", r"\x", True), (r"a\b", r"a\b", True), ("a?c", "abc", False),
        ("a.c*", "abcd", False), ("*a*b", "xaxbxb", True), ("**", "x", True),
    ],
)  # fmt: skip
def test_matches(pattern, text, is_match):
    assert wildcards.matches(pattern, text) == is_match


def test_many_stars_take_no_time():
    begun = time.process_time()
    assert not wildcards.matches("*".join("abcdefghijklmnopqrstuvwxyz!"), "abcdefghijklmnopqrstuvwxyz" * 10_000)
    assert time.process_time() - begun < 1

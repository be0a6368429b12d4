"""Lists in pages by number."""

import pytest

from infra.local.core import pages


def test_pages_follow_each_other_to_the_end() -> None:
    items, seen, token = list(range(5)), [], None
    while True:
        found, token = pages.page(items, token, 2)
        seen.append(list(found))
        if token is None:
            break
    assert seen == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("token", ["a", "-5", "1.5", " 2", "²", "٣", "9" * 20])
def test_a_token_that_no_page_gave(token: str) -> None:
    with pytest.raises(ValueError):
        pages.first(token)

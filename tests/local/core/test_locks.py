"""The locks of a service: one for each account, and all of them together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.local.core.locks import ServiceLock


@pytest.fixture
def other():
    """Somebody else: calls what it is given in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda work, *given: pool.submit(work, *given).result(timeout=10)


def test_who_holds_an_account_takes_it_again_and_gives_it_back_as_often(other):
    service = ServiceLock()
    mine = service.of("a")
    for _ in range(3):
        assert mine.acquire(blocking=False)
    for _ in range(2):
        mine.release()
        assert not other(mine.acquire, False)
    mine.release()
    assert other(mine.acquire, False)
    assert not mine.acquire(blocking=False)
    other(mine.release)


def test_accounts_do_not_wait_for_each_other_but_the_whole_waits_for_all(other):
    service = ServiceLock()
    with service.of("a"):
        assert other(service.of("b").acquire, False)
        other(service.of("b").release)
        assert not other(service.acquire, False)
    assert service.acquire(blocking=False)
    assert not other(service.of("b").acquire, False)
    service.release()


def test_another_account_or_the_whole_is_a_second_hold_on_the_own(other):
    service = ServiceLock()
    with service.of("a"):
        with service.of("b"), service, service.of("a"):
            assert other(service.of("b").acquire, False)  # nobody has it: "a" is held four times
            other(service.of("b").release)
        assert not other(service.of("a").acquire, False)
    assert other(service.of("a").acquire, False)
    other(service.of("a").release)


def test_who_has_the_whole_takes_an_account_too(other):
    service = ServiceLock()
    with service, service.of("a"):
        assert not other(service.of("a").acquire, False)
    assert other(service.acquire, False)
    other(service.release)


def test_what_is_not_held_cannot_be_given_back(other):
    service = ServiceLock()
    with pytest.raises(RuntimeError):
        service.of("a").release()
    other(service.of("a").acquire)
    with pytest.raises(RuntimeError):
        service.of("a").release()
    other(service.of("a").release)

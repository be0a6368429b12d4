"""Places for Spark drivers: who waits, in which order, and that one account does not keep the others out."""

from __future__ import annotations

import threading

from infra.local.core.places import Places
from tests.polling import until


def test_who_finds_no_place_waits_and_is_told_which_it_has():
    places = Places(lambda: 2, lambda: 2)
    for who in ("a1", "b1", "c1", "d1"):
        places.enter(who, who[0])
    assert [places.place(who) for who in ("a1", "b1", "c1", "d1")] == [0, 0, 1, 2]
    places.leave("a1")
    assert [places.place(who) for who in ("c1", "d1")] == [0, 1]
    places.leave("d1")  # it does not want any more
    assert places.place("d1") == 0


def test_who_has_fewest_comes_first():
    places = Places(lambda: 3, lambda: 3)
    for who in ("a1", "a2", "a3", "a4", "b1"):
        places.enter(who, who[0])
    assert [places.place(who) for who in ("a4", "b1")] == [2, 1]
    places.leave("a1")
    assert places.place("b1") == 0


def test_one_account_has_its_share_and_no_more():
    places = Places(lambda: 8, lambda: 2)
    for number in range(5):
        places.enter(f"a{number}", "a")
    assert [places.place(f"a{number}") for number in range(5)] == [0, 0, 1, 2, 3]
    places.enter("b", "b")
    assert places.place("b") == 0  # though it came last, and others wait


def test_a_wait_ends_with_the_place_or_when_nobody_wants_it_any_more():
    places = Places(lambda: 1, lambda: 1)
    over = threading.Event()
    got: list[bool] = []
    for who in ("first", "second", "third"):
        places.enter(who, who)
    threads = [threading.Thread(target=lambda: got.append(places.wait("second", over.is_set)))]
    threads.append(threading.Thread(target=lambda: got.append(places.wait("third", over.is_set))))
    for thread in threads:
        thread.start()
    places.leave("first")
    until(lambda: got == [True], "the place", 10)
    over.set()
    until(lambda: got == [True, False], "the end of the wait", 10)
    assert places.place("third") == 0

"""Clients of services on this server: each signs with its own keys, and what costs is made once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from infra.local.core import clients


class _Sent(Exception):
    """The request that would have left."""

    def __init__(self, request: Any):
        super().__init__()
        self.request = request


def _sent(client: Any) -> Any:
    with pytest.raises(_Sent) as caught:
        client.list_buckets()
    return caught.value.request


def _stopped(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    def send(request: Any) -> Any:
        raise _Sent(request)

    shared = clients._shared(endpoint, "us-east-1", "s3")
    monkeypatch.setattr(shared._endpoint, "_send", send)


def test_each_client_signs_with_its_own_keys_and_shares_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = "http://127.0.0.1:1"
    _stopped(monkeypatch, endpoint)
    one = clients.client(endpoint, "us-east-1", "s3", "111111111111", "secret", None)
    other = clients.client(endpoint, "us-east-1", "s3", "ASIAOTHER", "secret", "a-token")
    first, second = _sent(one), _sent(other)
    assert b"Credential=111111111111/" in first.headers["Authorization"]
    assert "X-Amz-Security-Token" not in first.headers
    assert b"Credential=ASIAOTHER/" in second.headers["Authorization"]
    assert second.headers["X-Amz-Security-Token"] == b"a-token"
    assert first.headers["Connection"] == "close"
    assert one.meta is other.meta


def test_clients_of_several_threads_do_not_take_each_others_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, wrong = "http://127.0.0.1:1", []
    _stopped(monkeypatch, endpoint)
    together = threading.Barrier(8)

    def work(number: int) -> None:
        key = f"{number:012d}"
        client = clients.client(endpoint, "us-east-1", "s3", key, "secret", None)
        together.wait()
        for _ in range(20):
            try:
                client.list_buckets()
            except _Sent as sent:
                if f"Credential={key}/".encode() not in sent.request.headers["Authorization"]:
                    wrong.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_unknown_operation_is_no_attribute() -> None:
    client = clients.client("http://127.0.0.1:1", "us-east-1", "s3", "111111111111", "secret", None)
    with pytest.raises(AttributeError):
        _ = client.no_such_operation
    assert client.can_paginate("list_objects_v2")

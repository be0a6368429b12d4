"""How answers leave, on a real connection without the rest of the server."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from infra.local.core.connection import JOINED_BYTES, Connection

HEAD = [(b"Content-Type", b"text/plain")]


def said(head=HEAD, *bodies, status=200):
    """An application that reads its request and sends these parts."""

    async def application(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": head})
        for number, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    return application


def asked(application, *requests):
    """What a client receives for requests on one connection, one after another: all of it, and the first of what arrives for each."""

    async def run():
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", http=Connection)
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        firsts = []
        for request in requests:
            writer.write(request)
            firsts.append(await asyncio.wait_for(reader.read(1 << 20), 5))
        writer.write_eof()
        rest = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.close()
        return b"".join(firsts) + rest, firsts

    return asyncio.run(run())


GET = b"GET /k HTTP/1.1\r\nhost: localhost\r\n\r\n"
CLOSING = b"GET /k HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
SIZED = [*HEAD, (b"content-length", b"5")]


def test_head_and_body_arrive_together():
    _, firsts = asked(said(SIZED, b"hello"), GET, GET, CLOSING)
    for first in firsts:
        head, _, body = first.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\ncontent-type: text/plain" in head
        assert body == b"hello"
    assert [b"connection: close" in first for first in firsts] == [False, False, True]


def test_a_large_body_arrives_whole():
    large = bytes(range(256)) * (JOINED_BYTES // 128)
    got, _ = asked(said([(b"content-length", b"%d" % len(large))], large), CLOSING)
    assert got.partition(b"\r\n\r\n")[2] == large


def test_an_answer_in_parts():
    got, _ = asked(said(HEAD, b"one", b"", b"three"), CLOSING)
    assert b"transfer-encoding: chunked" in got
    assert got.partition(b"\r\n\r\n")[2] == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"


def test_a_head_request_gets_no_body():
    got, _ = asked(said(SIZED, b""), CLOSING.replace(b"GET", b"HEAD"))
    assert b"content-length: 5\r\n" in got and got.endswith(b"\r\n\r\n")


def test_no_content_is_not_sent_in_parts():
    got, _ = asked(said([(b"content-length", b"0")], b"", status=204), CLOSING)
    assert got.startswith(b"HTTP/1.1 204") and b"chunked" not in got and got.endswith(b"\r\n\r\n")


def test_the_application_may_close_the_connection():
    got, _ = asked(said([*SIZED, (b"connection", b"close")], b"hello"), GET)
    assert got.count(b"connection: close") == 1


@pytest.mark.parametrize("body", [b"shor", b"longer"])
def test_an_answer_of_another_length_is_not_taken_for_whole(body):
    got, _ = asked(said(SIZED, body), GET)
    assert got.startswith(b"HTTP/1.1 500")  # nothing was sent yet: the head had waited for its body


def test_a_header_cannot_bring_another():
    got, _ = asked(said([*SIZED, (b"x-amz-meta-a", b"1\r\nset-cookie: b=1")], b"hello"), GET)
    assert got.startswith(b"HTTP/1.1 500") and b"set-cookie" not in got


def test_a_client_that_waits_is_told_to_go_on():
    request = b"PUT /k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n"
    _, (first, second) = asked(said(SIZED, b"hello"), request, b"abc")
    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert second.endswith(b"hello")

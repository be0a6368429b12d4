"""Requests without a signature of the API: function URLs by their host names, and the code that GetFunction points to."""

from __future__ import annotations

import re

from infra.local.lambda_ import code, urls

CODE = re.compile(r"/_workshop/lambda/code/(\d{12})/([a-z0-9-]+)/([0-9a-f]{64})")
Answer = tuple[int, list[tuple[str, str]], bytes]


def answer(method: str, host: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """Answer a request to a function URL or for a zip: status, headers, body."""
    if ".lambda-url." in host:
        return urls.answer(urls.Asked(method, host, path, query, headers, body))
    asked = CODE.fullmatch(path)
    try:
        if asked and method in ("GET", "HEAD"):
            return 200, [("content-type", "application/zip")], code.zipped(asked[1], asked[2], asked[3])
    except FileNotFoundError:
        pass
    return 404, [("content-type", "application/xml")], b"<Error><Code>NoSuchKey</Code></Error>"

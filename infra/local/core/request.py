"""A request as it arrives: who asks, where, for which service; and the ways to read its body and to answer it."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from random import getrandbits
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from infra.local.core.refused import Refused

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"
BODY_LIMIT = 128 * 1024 * 1024  # of requests that are no S3 uploads; AWS's own limits are lower
FORM_TYPE = "application/x-www-form-urlencoded"

ACCOUNT = re.compile(r"\d{12}")
SIGNED_V4 = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/(\d+)/([^/,]+)/([^/,]+)/aws4_request")
SIGNED_V2 = re.compile(r"AWS ([^:\s]+):\S+")

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Credential(NamedTuple):
    """What a signature says of a caller.

    Attributes
    ----------
    key: access key id, "" where the request is not signed
    service: as the signature names it
    presigned: the credential stands in the URL, which a web page can make somebody's browser ask for
    """

    key: str = ""
    region: str = DEFAULT_REGION
    service: str = ""
    presigned: bool = False


class Request:
    """One HTTP request of the ASGI server.

    Attributes
    ----------
    headers: names in small letters
    original_headers: as they came; what moto is given
    credential: of the signature in the headers or the URL
    service: the service that is to answer, by its name in signatures; "" where nobody can tell
    account, region: whose and where
    operation: by its name in AWS's model, "" where it is not known yet
    parameters: of the operation, once core/validation has read them
    """

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send):
        self.method: str = scope["method"]
        self.raw_path: str = scope["raw_path"].decode("latin-1")
        self.query_string: str = scope["query_string"].decode("latin-1")
        self.original_headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.headers = {name.lower(): value for name, value in self.original_headers.items()}
        self.target = self.headers.get("x-amz-target", "")
        self.content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.operation = self.target.rpartition(".")[2]
        self.parameters: dict[str, Any] = {}
        self.use(_credential(self.headers, self.query_string))
        self._receive, self._send = receive, send
        self._body: bytes | None = None
        self._read = "content-length" not in self.headers and "transfer-encoding" not in self.headers

    def use(self, credential: Credential) -> None:
        """Take account, region and service from a credential.

        Parameters
        ----------
        credential: of a signature, or of a form
        """
        self.credential = credential
        self.region, self.service = credential.region, credential.service
        self.account = account_of(credential.key)

    @property
    def host(self) -> str:
        """The host that was asked, in small letters, without its port."""
        return self.headers.get("host", "").rpartition(":")[0].lower() or self.headers.get("host", "").lower()

    @property
    def signed(self) -> bool:
        """Tell whether somebody signed the request."""
        return bool(self.credential.key)

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters of the address."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True)) if self.query_string else {}

    @property
    def is_form(self) -> bool:
        """Tell whether the body is a form: AWS's query protocol, or a page of a browser."""
        return self.content_type == FORM_TYPE

    async def body(self) -> bytes:
        """Return the whole body, as often as asked for. Raises Refused where it is too large, ConnectionAbortedError."""
        if self._body is not None:
            return self._body
        parts, size, more = [], 0, not self._read
        while more:
            data, more = await self._next()
            size += len(data)
            if size > BODY_LIMIT:
                raise Refused(413, "RequestEntityTooLargeException", f"The request is larger than {BODY_LIMIT} bytes.")
            parts.append(data)
        self._body = b"".join(parts)
        return self._body

    async def unpacked_body(self) -> bytes:
        """Return the whole body, unpacked where it came as gzip: SDKs pack what is large. Raises Refused as `body` does.

        Source: https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
        """
        body = await self.body()
        if self.headers.get("content-encoding", "").strip().lower() != "gzip":
            return body
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked = unpacker.decompress(body, BODY_LIMIT + 1)
        except zlib.error:
            raise Refused(400, "SerializationException", "The request body is no gzip.") from None
        if len(unpacked) > BODY_LIMIT:
            raise Refused(413, "RequestEntityTooLargeException", f"The request is larger than {BODY_LIMIT} bytes.")
        self.original_headers = {
            name: value for name, value in self.original_headers.items() if name.lower() != "content-encoding"
        }
        return unpacked

    def replace_body(self, body: bytes) -> None:
        """Go on with another body than the one that came, which was read.

        Parameters
        ----------
        body: what the rest of the way reads
        """
        self._body = body

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises ConnectionAbortedError where the client goes away."""
        if self._body is not None:
            yield self._body
            return
        more = not self._read
        while more:
            data, more = await self._next()
            if data:
                yield data

    async def _next(self) -> tuple[bytes, bool]:
        """Return the next part of the body, and whether there is more. Raises ConnectionAbortedError."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        self._read = not message.get("more_body")
        return message.get("body", b""), not self._read

    async def gone(self) -> None:
        """Wait until the client goes away; for an answer that lasts, when the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Mapping[str, str], length: int | None = None) -> None:
        """Begin an answer; `send` must follow at once.

        Parameters
        ----------
        status: of HTTP
        headers: of the answer
        length: of its body in bytes, None where `headers` name it or it is sent in chunks
        """
        names = {name.lower() for name in headers}
        listed = _encoded(headers.items())
        if length is not None and "content-length" not in names:
            listed.append((b"content-length", b"%d" % length))
        if "x-amzn-requestid" not in names and "x-amz-request-id" not in names:
            request_id = new_id().encode()
            listed += [(b"x-amzn-RequestId", request_id), (b"x-amz-request-id", request_id)]
        if not self._read:  # what is left of the body would be taken for the next request
            listed.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": listed})

    async def send(self, data: bytes, more: bool) -> None:
        """Send a part of the answer's body.

        Parameters
        ----------
        data: the next bytes
        more: false with the last part
        """
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send a whole answer.

        Parameters
        ----------
        status: of HTTP
        headers: with or without Content-Length
        body: all of it
        """
        await self.start(status, headers, len(body))
        await self.send(body, more=False)

    async def send_listed(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer whose headers may repeat (cookies), and nothing of the front's own.

        Parameters
        ----------
        status: of HTTP
        headers: pairs, as they leave
        body: all of it
        """
        listed = [*_encoded(headers), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": listed})
        await self.send(body, more=False)


def new_id() -> str:
    """Return a number for a request, in the form of a random UUID; nobody has to be unable to guess it."""
    drawn = f"{getrandbits(128):032x}"
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), str(value).encode("utf-8")) for name, value in headers]


def _credential(headers: Mapping[str, str], query: str) -> Credential:
    """Return the credential of a request, an empty one where it is not signed. Raises Refused for half a presigned URL."""
    authorization = headers.get("authorization", "")
    if match := SIGNED_V4.match(authorization):
        return Credential(match[1], match[3], match[4].lower())
    if match := SIGNED_V2.match(authorization):
        return Credential(match[1], service="s3")
    if "X-Amz-Credential=" in query or "AWSAccessKeyId=" in query:
        return presigned(dict(parse_qsl(query, keep_blank_values=True)))
    return Credential()


def presigned(fields: Mapping[str, str]) -> Credential:
    """Return the credential in the query of a presigned URL, an empty one where its signature is missing.

    Parameters
    ----------
    fields: of the query

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    parts = unquote(fields.get("X-Amz-Credential", "")).split("/")
    if len(parts) == 5 and fields.get("X-Amz-Signature"):
        return Credential(parts[0], parts[2], parts[3].lower(), presigned=True)
    if fields.get("AWSAccessKeyId") and fields.get("Signature"):
        return Credential(fields["AWSAccessKeyId"], service="s3", presigned=True)
    return Credential()


def account_of(access_key: str) -> str:
    """Return the account of an access key: 12 digits are the account itself, in AWS's keys it is written, others are the default's.

    Parameters
    ----------
    access_key: "" for a request that is not signed
    """
    if ACCOUNT.fullmatch(access_key):
        return access_key
    if access_key:
        from infra.local.core import members, roles  # which reads requests

        if (member := members.find(access_key)) is not None:
            return member.account
        return roles.account_of(access_key) or DEFAULT_ACCOUNT
    return DEFAULT_ACCOUNT

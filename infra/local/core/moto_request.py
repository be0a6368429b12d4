"""A request in the form that moto takes, without the detours of a test client: it is made for every call."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from moto.core import request as moto_request
from moto.core import responses, utils
from moto.core.request import Request as MotoRequest
from werkzeug.datastructures import ImmutableMultiDict

from infra.local.core.request import new_id

FORMS = ("application/x-www-form-urlencoded", "application/x-url-encoded", "multipart/form-data")
NOTHING: ImmutableMultiDict[str, Any] = ImmutableMultiDict()
LEFT_OUT = {"host", "x-moto-account-id", "transfer-encoding", "content-length"}

# moto looks all methods of a class up again at every call, and finds out anew how one is called
responses.method_names_from_class = lru_cache(maxsize=None)(utils.method_names_from_class)
responses.camelcase_to_underscores = lru_cache(maxsize=4096)(utils.camelcase_to_underscores)


def _request_id(headers: dict[str, Any]) -> str:
    """Give an answer the number of its request; moto would draw 52 letters one by one."""
    headers["x-amzn-requestid"] = made = new_id()
    return made


responses.gen_amzn_requestid_long = _request_id
responses.BaseResponse.decompress_request_body = lambda *_: None  # what came as gzip is unpacked before it is checked


class Asked(MotoRequest):
    """A request whose path and URL are known as they came; werkzeug would put them together from their parts, several times."""

    raw_path = raw_url = ""


def make(
    method: str, host: str, raw_path: str, query: str, headers: Mapping[str, str], account: str, body: bytes
) -> MotoRequest:
    """Return a request to `https://host` for moto's dispatch.

    Parameters
    ----------
    raw_path, query: as they came, still encoded
    headers: as they came; the host and the account are those given here
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "RAW_URI": f"{raw_path}?{query}" if query else raw_path,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "HTTP_X_MOTO_ACCOUNT_ID": account,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    preserved = {}
    for name, value in headers.items():
        if name.lower() in LEFT_OUT:
            continue
        key = moto_request.environ_key_for_header(name)
        environ[key] = value
        if moto_request.should_preserve_original_header_name(name):
            preserved[key] = name
    environ[moto_request.PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    made = Asked(environ)
    if "CONTENT_TYPE" not in environ or not environ["CONTENT_TYPE"].lower().startswith(FORMS):
        made.__dict__.update(form=NOTHING, files=NOTHING)  # werkzeug would look for them in the body
        if "HTTP_CONTENT_ENCODING" not in environ:  # which moto may have to undo
            made.__dict__.update(data=body, _cached_data=body)
    made.raw_path = raw_path
    made.raw_url = f"https://{host}{environ['RAW_URI']}"
    return made

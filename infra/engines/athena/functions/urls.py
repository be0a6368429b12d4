"""URLs and their parts."""

import re
from urllib.parse import parse_qsl, quote_plus, unquote, unquote_plus, urlsplit


def url_encoded(text: str) -> str:
    return quote_plus(text, safe="*-._").replace("~", "%7E")


def url_decoded(text: str) -> str:
    return unquote_plus(text)


def url_part(url: str | None, part: str) -> str | None:
    """A part of a URL, without its escapes; NULL if it is no URL, or, for a host or port, if it has none."""
    text = _url_part(url, part)
    return unquote(text) if text is not None and part in ("path", "query", "fragment") else text


def _url_part(url: str | None, part: str) -> str | None:
    if url is None or re.search(r"[\s<>\"{}|\\^`]", url):
        return None
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    if part == "port":
        return None if port is None else str(port)
    if part == "host":
        netloc = found.netloc.rpartition("@")[2]
        return re.sub(r":\d*$", "", netloc) or None
    if part == "protocol":
        return url.split(":", 1)[0] if found.scheme else ""
    return getattr(found, part)


def url_parameter(url: str | None, name: str | None) -> str | None:
    query = _url_part(url, "query")
    if query is None or name is None:
        return None
    return next((v for k, v in parse_qsl(query, keep_blank_values=True) if k == name), None)

"""Log files, by a custom classifier with a Grok pattern.

Source: https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html
"""

from __future__ import annotations

from typing import Any

from infra.engines.athena.serdes.grok_text import Grok
from infra.engines.athena.serdes.values import Bad
from infra.local.glue.crawler.content import Content

LINES = 1000  # of a file that are looked at, at most
TYPES = {
    "": "string", "string": "string", "byte": "tinyint", "boolean": "boolean", "double": "double", "short": "smallint",
    "int": "int", "long": "bigint", "float": "float",
}  # fmt: skip


def of_grok(text: bytes, whole: bool, settings: dict[str, Any]) -> Content | None:
    """Read lines by a Grok classifier's settings; most of them must be what its pattern describes."""
    pattern, custom = settings["GrokPattern"], settings.get("CustomPatterns") or ""
    grok = Grok(pattern, custom)
    lines = text.decode("utf-8", "replace").splitlines()
    if not whole and len(lines) > 1:
        lines.pop()  # it may be cut off
    lines = [line for line in lines if line.strip()]
    looked = lines[:LINES]
    known = sum(_is_record(grok, line) for line in looked)
    if known * 2 <= len(looked):
        return None
    return Content(
        settings["Classification"],
        schema={field.name.strip().lower(): TYPES[field.type] for field in grok.columns()},
        records=len(lines),
        record_bytes=len(text),
        parameters={"grokPattern": pattern} | ({"grokCustomPatterns": custom} if custom else {}),
        serde="GrokSerDe",
        skipped=len(looked) - known,
    )


def _is_record(grok: Grok, line: str) -> bool:
    try:
        return grok.found(line) is not None
    except Bad:
        return False

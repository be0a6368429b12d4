"""Draw what was seen as SVG, in colours for a light page and a dark one."""

from __future__ import annotations

from html import escape

from helpers.live_lake.observe import Seen
from helpers.pictures import ARROWS, BOXES, HEIGHT, WIDTH, Box
from helpers.showing import INK, LINE, svg_image

SCALE, TOP = 62, 7.7  # pixels a unit; the upper edge in units
COLOURS = {"off": "none", "ready": "#DCEBF7", "busy": "#E69F00", "failed": "#D55E00"}
TEXT = {"off": LINE, "ready": INK, "busy": INK, "failed": "#fff"}
MARKS = {"off": "", "ready": "", "busy": "● ", "failed": "✘ "}  # not by colour alone


def draw(seen: Seen, title: str) -> str:
    """Return the picture as an image in HTML, with a text for readers who cannot see it."""
    width, height = round(13.1 * SCALE), round(8.3 * SCALE)
    parts = [_arrow(BOXES[start], BOXES[end], seen.rates.get(end)) for start, end in ARROWS]
    parts += [_box(name, box, seen) for name, box in BOXES.items()]
    cost = f"all that exists now: {seen.usd_hour:.3f} USD an hour on real AWS"
    svg = (
        f'<svg viewBox="-20 -30 {width} {height}" style="font-family:system-ui,sans-serif;color:{LINE}">'
        '<defs><marker id="lake-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L10 5L0 10z" fill="currentColor"/></marker></defs>'
        f'<text x="0" y="-10" font-size="15" fill="currentColor">{escape(title)} · {cost}</text>{"".join(parts)}</svg>'
    )
    return svg_image(svg, describe(seen), width, height)


def describe(seen: Seen) -> str:
    """Return the picture in words: the parts that are there, what they hold and how fast records come in."""
    told = []
    for name, box in BOXES.items():
        if seen.states.get(name, "off") != "off":
            rate = f", {seen.rates[name]:,.0f} a second" if seen.rates.get(name) else ""
            told.append(f"{_title(box)}: {', '.join(line for line in seen.lines[name] if line)}{rate}")
    return "The lake now. " + ("; ".join(told) if told else "Nothing of it is there yet") + "."


def _title(box: Box) -> str:
    return (
        " ".join(box.label.split("\n")[:2])
        if box.label.startswith(("Kinesis", "EventBridge"))
        else box.label.split("\n")[0]
    )


def _point(left: float, bottom: float) -> tuple[float, float]:
    return left * SCALE, (TOP - bottom) * SCALE


def _box(name: str, box: Box, seen: Seen) -> str:
    state = seen.states.get(name, "off")
    x, y = _point(box.left, box.bottom + HEIGHT)
    lines = [f"{MARKS[state]}{_title(box)}", *(line for line in seen.lines.get(name, []) if line)]
    if name == "generator":
        lines = [_title(box), "devices that", "play tracks"]
    middle, ink = x + WIDTH * SCALE / 2, TEXT[state]
    first = y + HEIGHT * SCALE / 2 - 7.5 * (len(lines) - 1) + 4
    texts = "".join(
        f'<text x="{middle:.0f}" y="{first + 15 * place:.0f}" text-anchor="middle" font-size="11.5" fill="{ink}" '
        f'font-weight="{700 - 300 * min(place, 1)}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    dashed = ' stroke-dasharray="4 3"' if state == "off" else ""
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH * SCALE:.0f}" height="{HEIGHT * SCALE:.0f}" rx="5" fill="{COLOURS[state]}" '
        f'stroke="currentColor"{dashed}/>{texts}'
    )


def _arrow(start: Box, end: Box, rate: float | None) -> str:
    x1, y1 = _point(start.left + WIDTH, start.bottom + HEIGHT / 2)
    x2, y2 = _point(end.left, end.bottom + HEIGHT / 2)
    line = f'<line x1="{x1 + 3:.0f}" y1="{y1:.0f}" x2="{x2 - 3:.0f}" y2="{y2:.0f}" stroke="currentColor" marker-end="url(#lake-tip)"/>'
    if not rate:
        return line
    middle, over = (x1 + x2) / 2, min(y1, y2) - 8
    return f'{line}<text x="{middle:.0f}" y="{over:.0f}" text-anchor="middle" font-size="10.5" fill="currentColor">{rate:,.0f}/s</text>'

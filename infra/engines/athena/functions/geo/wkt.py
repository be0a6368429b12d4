"""Well-known text: read as Esri's library reads it (rings need not be closed), written with the fewest digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.engines.athena.functions.refusing import bad_argument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_TOKEN = re.compile(r"\s*(?:([A-Za-z]+)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([(),]))")
_LEAST_OF_RING = 4  # points of a ring that shapely takes, the last being the first


class _Bad(Exception):
    pass


class _Reader:
    def __init__(self, text: str):
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _Bad
            self.tokens.append(match[0].strip())
            at = match.end()
        self.at = 0

    def take(self, wanted: str | None = None) -> str:
        if self.at >= len(self.tokens) or (wanted is not None and self.tokens[self.at].upper() != wanted):
            raise _Bad
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, wanted: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at].upper() == wanted
        self.at += found
        return found

    def items(self, item: Any) -> list[Any]:
        """What stands between brackets, parted by commas; nothing for EMPTY."""
        if self.takes("EMPTY"):
            return []
        self.take("(")
        found = [item()]
        while self.takes(","):
            found.append(item())
        self.take(")")
        return found

    def point(self) -> tuple[float, float]:
        try:
            return float(self.take()), float(self.take())
        except ValueError:
            raise _Bad from None

    def bracketed_point(self) -> tuple[float, float]:
        if not self.takes("("):
            return self.point()
        found = self.point()
        self.take(")")
        return found

    def line(self) -> list[tuple[float, float]]:
        found = self.items(self.point)
        return found * 2 if len(found) == 1 else found

    def ring(self) -> list[tuple[float, float]]:
        found = self.items(self.point)
        if found and found[0] != found[-1]:
            found.append(found[0])
        while 0 < len(found) < _LEAST_OF_RING:
            found.append(found[0])
        return found

    def rings(self) -> list[list[tuple[float, float]]]:
        return self.items(self.ring)

    def geometry(self) -> BaseGeometry:
        import shapely

        kind = self.take().upper()
        if kind == "POINT":
            points = self.items(self.point)
            if len(points) > 1:
                raise _Bad
            return shapely.Point(*points)
        if kind == "LINESTRING":
            return shapely.LineString(self.line())
        if kind == "POLYGON":
            return _polygon(self.rings())
        if kind == "MULTIPOINT":
            return shapely.MultiPoint(self.items(self.bracketed_point))
        if kind == "MULTILINESTRING":
            return shapely.MultiLineString([line for line in self.items(self.line) if line])
        if kind == "MULTIPOLYGON":
            return shapely.MultiPolygon([_polygon(rings) for rings in self.items(self.rings)])
        if kind == "GEOMETRYCOLLECTION":
            return shapely.GeometryCollection(self.items(self.geometry))
        raise _Bad


def _polygon(rings: list[list[tuple[float, float]]]) -> BaseGeometry:
    import shapely

    return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()


def parsed(text: str) -> BaseGeometry:
    """The geometry that a text describes. Raises Refused."""
    from shapely.errors import ShapelyError

    try:
        reader = _Reader(text)
        found = reader.geometry()
        if reader.at < len(reader.tokens):
            raise _Bad
    except (_Bad, ShapelyError):
        raise bad_argument(f"Invalid WKT: {text}") from None
    return found


def number(value: float) -> str:
    """A coordinate: whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _point(coordinates: Any) -> str:
    return f"{number(float(coordinates[0]))} {number(float(coordinates[1]))}"


def _line(coordinates: Any) -> str:
    return "(" + ", ".join(map(_point, coordinates)) + ")"


def _rings(polygon: Any) -> str:
    return "(" + ", ".join(_line(ring.coords) for ring in (polygon.exterior, *polygon.interiors)) + ")"


def written(geometry: BaseGeometry) -> str:
    """A geometry as text; one without points, and a collection of such, is EMPTY."""
    kind = geometry.geom_type.upper()
    if geometry.is_empty:
        return f"{kind} EMPTY"
    if kind == "POINT":
        return f"POINT ({_point(geometry.coords[0])})"
    if kind == "LINESTRING":
        return f"LINESTRING {_line(geometry.coords)}"
    if kind == "POLYGON":
        return f"POLYGON {_rings(geometry)}"
    parts: list[Any] = list(geometry.geoms)  # type: ignore[attr-defined]
    if kind == "MULTIPOINT":
        return "MULTIPOINT (" + ", ".join(f"({_point(part.coords[0])})" for part in parts) + ")"
    if kind == "MULTILINESTRING":
        return "MULTILINESTRING (" + ", ".join(_line(part.coords) for part in parts) + ")"
    if kind == "MULTIPOLYGON":
        return "MULTIPOLYGON (" + ", ".join(map(_rings, parts)) + ")"
    return "GEOMETRYCOLLECTION (" + ", ".join(map(written, parts)) + ")"

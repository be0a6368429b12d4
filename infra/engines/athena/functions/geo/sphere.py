"""Geometries on the Earth: distances and areas by a sphere, GeoJSON, encoded lines.

Sources: https://trino.io/docs/current/functions/geospatial.html; the area of a ring on a sphere: https://www.movable-type.co.uk/scripts/latlong.html;
encoded lines: https://developers.google.com/maps/documentation/utilities/polylinealgorithm
"""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

from infra.engines.athena.functions.geo.values import LINES, kept, read, spherical
from infra.engines.athena.functions.geo.wkt import number
from infra.engines.athena.functions.refusing import bad_argument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

EARTH_KM = 6371.01
_TURN = 2 * math.pi
_PRECISION = 1e5  # of encoded lines
_KINDS = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")


def _check(latitude: float, longitude: float) -> None:
    if not -90 <= latitude <= 90:
        raise bad_argument("Latitude must be between -90 and 90")
    if not -180 <= longitude <= 180:
        raise bad_argument("Longitude must be between -180 and 180")


def geo_great_circle(latitude_1: float, longitude_1: float, latitude_2: float, longitude_2: float) -> float:
    """Kilometers between two places."""
    _check(latitude_1, longitude_1)
    _check(latitude_2, longitude_2)
    a, b = math.radians(latitude_1), math.radians(latitude_2)
    across = math.radians(longitude_1) - math.radians(longitude_2)
    east = math.cos(b) * math.sin(across)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(across)
    along = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(across)
    return math.atan2(math.sqrt(east * east + north * north), along) * EARTH_KM


def geo_to_sphere(data: bytes) -> bytes:
    geometry = read(data)
    if not geometry.is_empty:
        left, bottom, right, top = geometry.bounds
        _check(bottom, left)
        _check(top, right)
    return data


def _meters(one: tuple[float, float], other: tuple[float, float]) -> float:
    return geo_great_circle(one[1], one[0], other[1], other[0]) * 1000


def geo_sphere_distance(a: bytes, b: bytes) -> float | None:
    one, other = read(a), read(b)
    if one.is_empty or other.is_empty:
        return None
    points = [spherical("ST_Distance", geometry, "Point").coords[0] for geometry in (one, other)]
    return _meters(points[0], points[1])  # type: ignore[arg-type]


def geo_sphere_length(data: bytes) -> float | None:
    geometry = read(data)
    if geometry.is_empty:
        return None
    lines: Any = spherical("ST_Length", geometry, *LINES)
    parts = getattr(lines, "geoms", [lines])
    return sum(_meters(a, b) for line in parts for a, b in itertools.pairwise(line.coords))


def geo_sphere_area(data: bytes) -> float | None:
    geometry = read(data)
    if geometry.is_empty:
        return None
    shapes: Any = spherical("ST_Area", geometry, "Polygon", "MultiPolygon")
    excess = 0.0
    for polygon in getattr(shapes, "geoms", [shapes]):
        excess += abs(_excess(list(polygon.exterior.coords)))
        excess -= sum(abs(_excess(list(ring.coords))) for ring in polygon.interiors)
    return abs(excess * (EARTH_KM * 1000) ** 2)


def _turned(angle: float) -> float:
    """How far a course turns, between -π and π."""
    return (angle + 3 * math.pi) % _TURN - math.pi


def _excess(ring: list[tuple[float, ...]]) -> float:
    """The spherical excess of a ring: its area on a sphere of radius 1, with a sign."""
    points = ring[:-1] if ring[0] == ring[-1] else ring
    if len(set(points)) < 3:
        raise bad_argument("Polygon is not valid: a loop contains less then 3 vertices.")
    excess = turned = 0.0
    courses: list[tuple[float, float]] = []
    for before, after in zip([points[-1], *points], points, strict=False):
        if before == after:
            raise bad_argument("Polygon is not valid: it has two identical consecutive vertices")
        (x1, y1), (x2, y2) = ((math.radians(x), math.radians(y)) for x, y in (before, after))
        across, half_1, half_2 = x2 - x1, math.tan(y1 / 2), math.tan(y2 / 2)
        excess += 2 * math.atan2(math.tan(across / 2) * (half_1 + half_2), 1 + half_1 * half_2)
        start = math.atan2(
            math.sin(across) * math.cos(y2),
            math.cos(y1) * math.sin(y2) - math.sin(y1) * math.cos(y2) * math.cos(across),
        )
        end = math.atan2(
            -math.sin(across) * math.cos(y1),
            math.sin(y1) * math.cos(y2) - math.cos(y1) * math.sin(y2) * math.cos(across),
        )
        courses.append((start % _TURN, (end + math.pi) % _TURN))
    for (start, end), (following, _) in zip(courses, [*courses[1:], courses[0]], strict=True):
        turned += _turned(end - start) + _turned(following - end)
    # A ring turns once around, but one around a pole does not.
    return abs(excess) - _TURN if abs(turned) < math.pi / 4 else excess


# --- GeoJSON


def geo_to_json(data: bytes) -> str:
    return _json(read(data))


def _json(geometry: BaseGeometry) -> str:
    kind = geometry.geom_type
    if kind == "GeometryCollection":
        inner = ",".join(_json(part) for part in geometry.geoms)  # type: ignore[attr-defined]
        return f'{{"type":"{kind}","geometries":[{inner}]}}'
    return f'{{"type":"{kind}","coordinates":{_coordinates(geometry)}}}'


def _coordinates(geometry: Any) -> str:
    if geometry.is_empty:
        return "[]"
    kind = geometry.geom_type
    if kind == "Point":
        return _numbers(geometry.coords[0])
    if kind == "Polygon":
        rings = (geometry.exterior, *geometry.interiors)
        return "[" + ",".join(_coordinates(ring) for ring in rings) + "]"
    if kind in ("LineString", "LinearRing"):
        return "[" + ",".join(map(_numbers, geometry.coords)) + "]"
    return "[" + ",".join(_coordinates(part) for part in geometry.geoms) + "]"


def _numbers(point: tuple[float, ...]) -> str:
    return "[" + ",".join(number(float(value)) for value in point[:2]) + "]"


def geo_from_json(text: str) -> bytes:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise bad_argument(f"Invalid GeoJSON: {error}") from None
    return kept(_of_json(found))


def _of_json(found: Any) -> BaseGeometry:
    import shapely
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    kind = found.get("type") if isinstance(found, dict) else None
    if not isinstance(kind, str):
        raise bad_argument("Invalid GeoJSON: Could not parse Geometry from Json string.  No 'type' property found.")
    if kind == "GeometryCollection" and isinstance(found.get("geometries"), list):
        return shapely.GeometryCollection([_of_json(part) for part in found["geometries"]])
    if kind not in _KINDS:
        said = f"Could not parse Geometry from GeoJson string.  Unsupported 'type':{kind}"
        raise bad_argument(f"Invalid GeoJSON: {said}")
    try:
        return shape({"type": kind, "coordinates": found["coordinates"]})
    except (ShapelyError, LookupError, TypeError, ValueError):
        raise bad_argument(f"Invalid GeoJSON: Could not parse {kind} from GeoJson string.") from None


# --- encoded lines


def geo_to_polyline(data: bytes) -> str:
    import shapely

    geometry = read(data)
    if geometry.geom_type not in ("LineString", "MultiPoint"):
        raise bad_argument(
            f"to_encoded_polyline only applies to LINE_STRING or MULTI_POINT. Input type is: {geometry.geom_type}"
        )
    text, last = "", (0, 0)
    for x, y in shapely.get_coordinates(geometry).tolist():
        here = (math.floor(y * _PRECISION + 0.5), math.floor(x * _PRECISION + 0.5))
        text += "".join(_encoded(now - before) for now, before in zip(here, last, strict=True))
        last = here
    return text


def _encoded(value: int) -> str:
    rest = ~(value << 1) if value < 0 else value << 1
    text = ""
    while rest >= 0x20:
        text += chr((0x20 | (rest & 0x1F)) + 63)
        rest >>= 5
    return text + chr(rest + 63)


def geo_from_polyline(text: str) -> bytes:
    import shapely

    values, at = [], 0
    while at < len(text):
        value = shift = 0
        while True:
            if at >= len(text):
                raise bad_argument("Input is not a valid encoded polyline")
            part = ord(text[at]) - 63
            value |= (part & 0x1F) << shift
            shift, at = shift + 5, at + 1
            if part < 0x20:
                break
        values.append(~(value >> 1) if value & 1 else value >> 1)
    latitudes, longitudes = itertools.accumulate(values[::2]), itertools.accumulate(values[1::2])
    points = [(x * 1e-5, y * 1e-5) for y, x in zip(latitudes, longitudes, strict=False)]
    return kept(shapely.LineString(points if len(points) > 1 else []))

"""Two geometries, what becomes of them, and places along a line.

Source: https://trino.io/docs/current/functions/geospatial.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from infra.engines.athena.functions.geo.shapes import geo_point
from infra.engines.athena.functions.geo.values import LINES, kept, only, read
from infra.engines.athena.functions.refusing import bad_argument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

BUFFER_SEGMENTS = 24  # of a quarter of a circle, as Esri's library makes them
_CENTRED = ("Point", "MultiPoint", *LINES, "Polygon", "MultiPolygon")
_RELATIONS = ("contains", "crosses", "disjoint", "equals", "intersects", "overlaps", "touches", "within")


def geo_related(a: bytes, b: bytes, relation: str) -> bool:
    import shapely

    assert relation in _RELATIONS, relation
    return bool(getattr(shapely, relation)(read(a), read(b)))


def geo_relate(a: bytes, b: bytes, pattern: str) -> bool:
    import shapely

    return bool(shapely.relate_pattern(read(a), read(b), pattern))


def geo_distance(a: bytes, b: bytes) -> float | None:
    one, other = read(a), read(b)
    return None if one.is_empty or other.is_empty else one.distance(other)


def geo_nearest(a: bytes, b: bytes) -> list[bytes] | None:
    from shapely.ops import nearest_points

    one, other = read(a), read(b)
    return None if one.is_empty or other.is_empty else [kept(point) for point in nearest_points(one, other)]


# --- new geometries


def _begun(ring: Any) -> list[Any]:
    """A ring from its lowest point on, of several the leftmost."""
    points = list(ring.coords)[:-1]
    first = min(range(len(points)), key=lambda at: (points[at][1], points[at][0]))
    return [*points[first:], *points[:first]]


def _start(geometry: BaseGeometry) -> tuple[float, float]:
    import shapely

    x, y = shapely.get_coordinates(geometry)[0]
    return y, x


def _arranged(geometry: BaseGeometry) -> BaseGeometry:
    """The result of an overlay with its points in Esri's order: from below, then from the left."""
    import shapely

    if geometry.geom_type == "Polygon":
        polygon: Any = shapely.orient_polygons(geometry)
        return shapely.Polygon(_begun(polygon.exterior), [_begun(ring) for ring in polygon.interiors])
    if geometry.geom_type == "LineString":
        first, last = geometry.coords[0], geometry.coords[-1]
        return geometry.reverse() if (last[1], last[0]) < (first[1], first[0]) else geometry
    if geometry.geom_type == "GeometryCollection":
        return shapely.GeometryCollection([_arranged(part) for part in _by_dimension(geometry)])
    if geometry.geom_type == "Point":
        return geometry
    parts = sorted((_arranged(part) for part in geometry.geoms), key=_start)  # type: ignore[attr-defined]
    return type(geometry)(parts)


def _by_dimension(collection: Any) -> list[BaseGeometry]:
    """The parts of a collection: all points, all lines, all polygons, each kind as one geometry."""
    import shapely

    found = []
    for kind, many in (
        ("Point", shapely.MultiPoint),
        ("LineString", shapely.MultiLineString),
        ("Polygon", shapely.MultiPolygon),
    ):
        parts = [part for part in _flat(collection) if part.geom_type == kind]
        if parts:
            found.append(parts[0] if len(parts) == 1 else many(parts))
    return found


def _flat(geometry: Any) -> list[BaseGeometry]:
    if not hasattr(geometry, "geoms"):
        return [] if geometry.is_empty else [geometry]
    return [part for item in geometry.geoms for part in _flat(item)]


def _merged(geometry: BaseGeometry) -> BaseGeometry:
    import shapely

    return shapely.line_merge(geometry) if geometry.geom_type == "MultiLineString" else geometry


def geo_intersection(a: bytes, b: bytes) -> bytes:
    import shapely

    found = read(a).intersection(read(b))
    return kept(shapely.MultiPolygon() if found.is_empty else _arranged(_merged(found)))


def geo_difference(a: bytes, b: bytes) -> bytes:
    return _overlaid(read(a), read(a).difference(read(b)))


def geo_sym_difference(a: bytes, b: bytes) -> bytes:
    return _overlaid(read(a), read(a).symmetric_difference(read(b)))


def _overlaid(of: BaseGeometry, found: BaseGeometry) -> bytes:
    import shapely

    if not found.is_empty:
        return kept(_arranged(_merged(found)))
    empty = {0: shapely.Point, 1: shapely.MultiLineString}.get(int(shapely.get_dimensions(of)), shapely.MultiPolygon)
    return kept(empty())


def geo_union(items: list[bytes | None]) -> bytes | None:
    """All geometries as one; points, lines and polygons are joined each with their like. NULLs do not count."""
    import shapely

    given = [read(item) for item in items if item is not None]
    if not given:
        return None
    parts = [part for geometry in given for part in _flat(geometry)]
    if not parts:
        return kept(given[0])
    joined: list[BaseGeometry] = []
    for kind in ("Point", "LineString", "Polygon"):
        alike = [part for part in parts if part.geom_type == kind]
        if alike:
            joined.append(_merged(shapely.union_all(alike)))
    for at in range(len(joined) - 1):  # what lies in a geometry of more dimensions is part of it
        for larger in joined[at + 1 :]:
            joined[at] = joined[at].difference(larger)
    left = [_arranged(geometry) for geometry in joined if not geometry.is_empty]
    return kept(left[0] if len(left) == 1 else shapely.GeometryCollection(left))


def geo_buffer(data: bytes, distance: float) -> bytes | None:
    import shapely

    if math.isnan(distance):
        raise bad_argument("distance is NaN")
    if distance < 0:
        raise bad_argument("distance is negative")
    geometry = read(data)
    if distance == 0:
        return data
    if geometry.is_empty:
        return None
    return kept(
        shapely.MultiPolygon() if math.isinf(distance) else geometry.buffer(distance, quad_segs=BUFFER_SEGMENTS)
    )


def geo_centroid(data: bytes) -> bytes:
    return kept(only("ST_Centroid", read(data), *_CENTRED).centroid)


def geo_hull(data: bytes) -> bytes:
    """The convex hull, from its leftmost point on."""
    import shapely

    geometry = read(data)
    if geometry.is_empty:
        return data
    hull: Any = shapely.orient_polygons(geometry.convex_hull)
    if hull.geom_type != "Polygon":
        return kept(hull)
    points = list(hull.exterior.coords)[:-1]
    first = min(range(len(points)), key=lambda at: points[at])
    return kept(shapely.Polygon([*points[first:], *points[:first]]))


def geo_hull_of(items: list[bytes | None]) -> bytes | None:
    import shapely

    given = [read(item) for item in items if item is not None]
    return geo_hull(kept(shapely.GeometryCollection(given))) if given else None


def geo_boundary(data: bytes) -> bytes:
    import shapely

    geometry = read(data)
    found = geometry.boundary
    if found is None or found.is_empty:
        return kept(shapely.MultiPoint())
    if found.geom_type == "LineString":
        found = shapely.MultiLineString([found])
    return kept(found)


def geo_simplified(data: bytes, tolerance: float) -> bytes:
    if math.isnan(tolerance):
        raise bad_argument("distanceTolerance is NaN")
    if tolerance < 0:
        raise bad_argument("distanceTolerance is negative")
    return data if tolerance == 0 else kept(read(data).simplify(tolerance))


# --- along a line


def geo_located(line: bytes, point: bytes) -> float | None:
    along, place = read(line), read(point)
    if along.is_empty or place.is_empty:
        return None
    name = "argument to line_locate_point must be a"
    if along.geom_type not in LINES:
        raise bad_argument(f"First {name} LineString or a MultiLineString. Got: {along.geom_type}")
    if place.geom_type != "Point":
        raise bad_argument(f"Second {name} Point. Got: {place.geom_type}")
    return along.project(place) / along.length  # type: ignore[attr-defined]


def _fraction(data: bytes, fraction: float) -> Any:
    line = read(data)
    if line.is_empty:
        return None
    only("line_interpolate_point", line, "LineString")
    if not 0 <= fraction <= 1:
        raise bad_argument("fraction must be between 0 and 1")
    return line


def _interpolated(line: Any, fractions: Iterable[float]) -> list[bytes]:
    """The points at growing fractions of a line, reckoned as Trino does, segment by segment."""
    rest, found = list(fractions), []
    points, done = list(line.coords), 0.0
    for before, after in zip(points, points[1:], strict=False):
        share = math.dist(before, after) / line.length
        while rest and rest[0] < done + share:
            part = (rest.pop(0) - done) / share
            found.append(geo_point(*(a + (b - a) * part for a, b in zip(before, after, strict=True))))
        done += share
    return [*found, *(geo_point(*points[-1]) for _ in rest[:1])]


def geo_interpolated(data: bytes, fraction: float) -> bytes | None:
    line = _fraction(data, fraction)
    return None if line is None else _interpolated(line, [fraction])[0]


def geo_interpolated_all(data: bytes, step: float) -> list[bytes] | None:
    line = _fraction(data, step)
    if line is None:
        return None
    if step in (0, 1):
        return _interpolated(line, [step])
    fractions = [step]
    while len(fractions) < math.floor(1 / step):
        fractions.append(fractions[-1] + step)
    return _interpolated(line, fractions)

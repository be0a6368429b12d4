"""Geometries made of texts, bytes and points; their parts and measures.

Source: https://trino.io/docs/current/functions/geospatial.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from infra.engines.athena.functions.geo import wkt
from infra.engines.athena.functions.geo.values import LINES, kept, only, read
from infra.engines.athena.functions.refusing import bad_argument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_TYPES = {"GeometryCollection": "ST_GeomCollection"}


def geo_from_text(text: str) -> bytes:
    return kept(wkt.parsed(text))


def geo_line_from_text(text: str) -> bytes:
    return kept(only("ST_LineFromText", wkt.parsed(text), "LineString"))


def geo_polygon_from_text(text: str) -> bytes:
    return kept(only("ST_Polygon", wkt.parsed(text), "Polygon"))


def geo_from_binary(data: bytes) -> bytes:
    from shapely.errors import ShapelyError

    try:
        return kept(read(data))
    except ShapelyError:
        raise bad_argument("Invalid WKB") from None


def geo_point(x: float, y: float) -> bytes:
    import shapely

    return kept(shapely.Point(x, y))


def _points(data: list[bytes | None], null: str, other: str, empty: str) -> list[tuple[float, float]]:
    found = []
    for index, item in enumerate(data, 1):
        if item is None:
            raise bad_argument(null.format(index=index))
        point = read(item)
        if point.geom_type != "Point":
            raise bad_argument(other.format(index=index, kind=point.geom_type))
        if point.is_empty:
            raise bad_argument(empty.format(index=index))
        found.append(point.coords[0])
    return found


def geo_line(data: list[bytes | None]) -> bytes:
    import shapely

    name = "Invalid input to ST_LineString"
    points = _points(
        data, f"{name}: null point at index {{index}}",
        "ST_LineString takes only an array of valid points, {kind} was passed", f"{name}: empty point at index {{index}}",
    )  # fmt: skip
    for index, (one, following) in enumerate(zip(points, points[1:], strict=False), 2):
        if one == following:
            raise bad_argument(f"{name}: consecutive duplicate points at index {index}")
    return kept(shapely.LineString(points if len(points) > 1 else []))


def geo_multi_point(data: list[bytes | None]) -> bytes | None:
    import shapely

    name = "Invalid input to ST_MultiPoint"
    points = _points(
        data, f"{name}: null at index {{index}}", f"{name}: geometry is not a point: {{kind}} at index {{index}}",
        f"{name}: empty point at index {{index}}",
    )  # fmt: skip
    return kept(shapely.MultiPoint(points)) if points else None


def _polygons(geometry: BaseGeometry) -> list[Any]:
    """The polygons in a geometry, at any depth."""
    if geometry.geom_type == "Polygon":
        return [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]


def geo_area(data: bytes) -> float:
    return math.fsum(polygon.area for polygon in _polygons(read(data)))


def geo_length(data: bytes) -> float:
    return only("ST_Length", read(data), *LINES).length


def geo_x(data: bytes) -> float | None:
    point: Any = only("ST_X", read(data), "Point")
    return None if point.is_empty else point.x


def geo_y(data: bytes) -> float | None:
    point: Any = only("ST_Y", read(data), "Point")
    return None if point.is_empty else point.y


def geo_bound(data: bytes, which: int) -> float | None:
    """The least x, the least y, the greatest x or the greatest y."""
    geometry = read(data)
    return None if geometry.is_empty else float(geometry.bounds[which])


def geo_envelope(data: bytes) -> bytes:
    import shapely

    geometry = read(data)
    return kept(shapely.Polygon() if geometry.is_empty else box(*geometry.bounds))


def box(left: float, bottom: float, right: float, top: float) -> BaseGeometry:
    import shapely

    return shapely.Polygon([(left, bottom), (right, bottom), (right, top), (left, top)])


def geo_corners(data: bytes) -> list[bytes] | None:
    geometry = read(data)
    if geometry.is_empty:
        return None
    left, bottom, right, top = geometry.bounds
    return [geo_point(left, bottom), geo_point(right, top)]


def geo_type(data: bytes) -> str:
    kind = read(data).geom_type
    return _TYPES.get(kind, f"ST_{kind}")


def geo_dimension(data: bytes) -> int:
    import shapely

    return int(shapely.get_dimensions(read(data)))


def geo_is_empty(data: bytes) -> bool:
    return read(data).is_empty


def geo_is_simple(data: bytes) -> bool:
    return read(data).is_simple


def geo_is_valid(data: bytes) -> bool:
    return _is_valid(read(data))


def _is_valid(geometry: BaseGeometry) -> bool:
    import shapely

    if geometry.geom_type == "GeometryCollection":
        return all(_is_valid(part) for part in geometry.geoms)  # type: ignore[attr-defined]
    if geometry.is_empty:
        return True
    if not _polygons(geometry):
        return geometry.is_simple and not _repeats(geometry)
    return geometry.is_valid and shapely.remove_repeated_points(geometry) == geometry


def _repeats(geometry: BaseGeometry) -> bool:
    import shapely

    return geometry.geom_type in LINES and shapely.remove_repeated_points(geometry) != geometry


def geo_is_closed(data: bytes) -> bool:
    lines: Any = only("ST_IsClosed", read(data), *LINES)
    return all(line.is_closed for line in getattr(lines, "geoms", [lines]))


def geo_is_ring(data: bytes) -> bool:
    return only("ST_IsRing", read(data), "LineString").is_ring


def geo_point_count(data: bytes) -> int:
    """How many points there are; the last of a ring, which is its first, is not counted."""
    import shapely

    geometry = read(data)
    rings = sum(1 + len(polygon.interiors) for polygon in _polygons(geometry) if not polygon.is_empty)
    return int(shapely.count_coordinates(geometry)) - rings


def geo_parts(data: bytes) -> list[bytes] | None:
    geometry = read(data)
    if geometry.is_empty:
        return None
    return [kept(part) for part in getattr(geometry, "geoms", [geometry])]


def geo_part_count(data: bytes) -> int:
    return len(geo_parts(data) or [])


def geo_part(data: bytes, index: int) -> bytes | None:
    return _nth(geo_parts(data) or [], index)


def _nth(items: list[bytes], index: int) -> bytes | None:
    return items[index - 1] if 1 <= index <= len(items) else None


def geo_points(data: bytes) -> list[bytes] | None:
    """All points, those of outer rings with the clock."""
    import shapely

    geometry = read(data)
    if geometry.is_empty:
        return None
    clockwise = shapely.orient_polygons(geometry, exterior_cw=True)
    return [geo_point(x, y) for x, y in shapely.get_coordinates(clockwise).tolist()]


def geo_nth_point(data: bytes, index: int) -> bytes | None:
    line = only("ST_PointN", read(data), "LineString")
    return geo_point(*line.coords[index - 1]) if 1 <= index <= len(line.coords) else None


def geo_end_point(data: bytes, name: str, which: int) -> bytes | None:
    line = only(name, read(data), "LineString")
    return None if line.is_empty else geo_point(*line.coords[which])


def geo_outer_ring(data: bytes) -> bytes | None:
    import shapely

    polygon: Any = only("ST_ExteriorRing", read(data), "Polygon")
    return None if polygon.is_empty else kept(shapely.LineString(polygon.exterior))


def geo_holes(data: bytes, name: str) -> list[bytes] | None:
    import shapely

    polygon: Any = only(name, read(data), "Polygon")
    return None if polygon.is_empty else [kept(shapely.LineString(ring)) for ring in polygon.interiors]


def geo_hole_count(data: bytes) -> int | None:
    found = geo_holes(data, "ST_NumInteriorRing")
    return None if found is None else len(found)


def geo_hole(data: bytes, index: int) -> bytes | None:
    return _nth(geo_holes(data, "ST_InteriorRingN") or [], index)

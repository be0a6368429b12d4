"""Geometries as bytes, their kinds, and how functions are called with them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.engines.athena.functions.geo import wkt
from infra.engines.athena.functions.refusing import bad_argument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

LINES = ("LineString", "MultiLineString")
# Trino's names in errors, in its order.
_NAMES = {
    "Point": "POINT", "MultiPoint": "MULTI_POINT", "LineString": "LINE_STRING", "MultiLineString": "MULTI_LINE_STRING",
    "Polygon": "POLYGON", "MultiPolygon": "MULTI_POLYGON", "GeometryCollection": "GEOMETRY_COLLECTION",
}  # fmt: skip


def read(data: bytes) -> BaseGeometry:
    import shapely

    return shapely.from_wkb(data)


def kept(geometry: BaseGeometry) -> bytes:
    """A geometry as bytes: outer rings against the clock, holes with it."""
    import shapely

    return shapely.to_wkb(shapely.orient_polygons(geometry))


def with_nulls(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that has no answer where an argument is NULL."""

    @functools.wraps(function)
    def called(*arguments: Any) -> Any:
        return None if any(argument is None for argument in arguments) else function(*arguments)

    return called


def only(name: str, geometry: BaseGeometry, *kinds: str) -> BaseGeometry:
    """The geometry, if it is of one of the kinds that a function takes. Raises Refused."""
    if geometry.geom_type not in kinds:
        allowed = " or ".join(_NAMES[kind] for kind in _NAMES if kind in kinds)
        raise bad_argument(f"{name} only applies to {allowed}. Input type is: {_NAMES[geometry.geom_type]}")
    return geometry


def spherical(name: str, geometry: BaseGeometry, *kinds: str) -> BaseGeometry:
    """The same for what lies on the sphere. Raises Refused."""
    if geometry.geom_type not in kinds:
        allowed = " or ".join(_NAMES[kind] for kind in _NAMES if kind in kinds)
        said = f"When applied to SphericalGeography inputs, {name} only supports {allowed}."
        raise bad_argument(f"{said} Input type is: {_NAMES[geometry.geom_type]}")
    return geometry


def geo_text(data: bytes) -> str:
    return wkt.written(read(data))

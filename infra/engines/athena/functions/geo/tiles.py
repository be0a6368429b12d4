"""Bing tiles: squares of the map, each of four of the next zoom level. A tile is 23 bits of x, 23 of y and 5 of its level.

Sources: https://trino.io/docs/current/functions/geospatial.html, https://learn.microsoft.com/en-us/bingmaps/articles/bing-maps-tile-system
"""

from __future__ import annotations

import math

from infra.engines.athena.functions.geo.shapes import box
from infra.engines.athena.functions.geo.values import kept, read
from infra.engines.athena.functions.refusing import bad_argument

DEEPEST = 23
_LATITUDE, _LONGITUDE = 85.05112878, 180.0
_MOST_TILES = 1_000_000
_MOST_WORK = 25_000_000


def _tile(x: int, y: int, zoom: int) -> int:
    return (x << 28) + (y << 5) + zoom


def _parts(tile: int) -> tuple[int, int, int]:
    return tile >> 28, (tile & 0xFFFFFFF) >> 5, tile & 0x1F


def _check_zoom(zoom: int) -> None:
    if zoom <= 0:
        raise bad_argument("Zoom level must be > 0")
    if zoom > DEEPEST:
        raise bad_argument(f"Zoom level must be <= {DEEPEST}")


def _check_place(latitude: float, longitude: float) -> None:
    if not -_LATITUDE <= latitude <= _LATITUDE:
        raise bad_argument(f"Latitude must be between -{_LATITUDE} and {_LATITUDE}")
    if not -_LONGITUDE <= longitude <= _LONGITUDE:
        raise bad_argument(f"Longitude must be between -{_LONGITUDE} and {_LONGITUDE}")


def geo_tile(x: int, y: int, zoom: int) -> int:
    _check_zoom(zoom)
    if not (0 <= x < 1 << zoom and 0 <= y < 1 << zoom):
        said = f"XY coordinates for a Bing tile at zoom level {zoom} must be within [0, {1 << zoom}) range"
        raise bad_argument(said)
    return _tile(x, y, zoom)


def geo_tile_of_key(key: str) -> int:
    if not key:
        raise bad_argument("QuadKey must not be empty string")
    if len(key) > DEEPEST:
        raise bad_argument(f"QuadKey must be {DEEPEST} characters or less")
    if set(key) - set("0123"):
        raise bad_argument(f"Invalid QuadKey digit sequence: {key}")
    x = int("".join(str(int(digit) & 1) for digit in key), 2)
    y = int("".join(str(int(digit) >> 1) for digit in key), 2)
    return _tile(x, y, len(key))


def geo_tile_key(tile: int) -> str:
    x, y, zoom = _parts(tile)
    return "".join(str((x >> at & 1) + 2 * (y >> at & 1)) for at in reversed(range(zoom)))


def geo_tile_place(tile: int) -> list[int]:
    return list(_parts(tile)[:2])


def geo_tile_zoom(tile: int) -> int:
    return _parts(tile)[2]


def geo_tile_text(tile: int) -> str:
    x, y, zoom = _parts(tile)
    return f"BingTile{{x={x}, y={y}, zoom_level={zoom}}}"


def _place(latitude: float, longitude: float, zoom: int) -> tuple[int, int]:
    size = 256 << zoom
    sine = math.sin(latitude * math.pi / 180)
    across = (longitude + 180) / 360
    down = 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    x, y = (int(min(max(part * size, 0), size - 1)) // 256 for part in (across, down))
    return x, y


def geo_tile_at(latitude: float, longitude: float, zoom: int) -> int:
    _check_place(latitude, longitude)
    _check_zoom(zoom)
    return _tile(*_place(latitude, longitude, zoom), zoom)


def geo_tiles_around(latitude: float, longitude: float, zoom: int) -> list[int]:
    _check_place(latitude, longitude)
    _check_zoom(zoom)
    x, y = _place(latitude, longitude, zoom)
    inside = range(1 << zoom)
    around = [(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return [_tile(i, j, zoom) for i, j in around if i in inside and j in inside]


def _corner(x: int, y: int, zoom: int) -> tuple[float, float]:
    """Longitude and latitude of a tile's upper left corner."""
    size = 256 << zoom
    across, down = min(x * 256, size) / size - 0.5, 0.5 - min(y * 256, size) / size
    return 360 * across, 90 - 360 * math.atan(math.exp(-down * 2 * math.pi)) / math.pi


def _bounds(x: int, y: int, zoom: int) -> tuple[float, float, float, float]:
    left, top = _corner(x, y, zoom)
    right, bottom = _corner(x + 1, y + 1, zoom)
    return left, bottom, right, top


def geo_tile_polygon(tile: int) -> bytes:
    return kept(box(*_bounds(*_parts(tile))))


def geo_covering_tiles(data: bytes, zoom: int) -> list[int]:
    """The tiles that a geometry touches, column by column."""
    import shapely

    _check_zoom(zoom)
    geometry = read(data)
    if geometry.is_empty:
        return []
    left, bottom, right, top = geometry.bounds
    for bounds, most, name in (((bottom, top), _LATITUDE, "Latitude"), ((left, right), _LONGITUDE, "Longitude")):
        if bounds[0] < -most or bounds[1] > most:
            raise bad_argument(f"{name} span for the geometry must be in [-{most:.2f}, {most:.2f}] range")
    first, (last_x, last_y) = _place(top, left, zoom), _place(bottom, right, zoom)
    corner = _corner(last_x, last_y, zoom)  # of a tile that is only touched at its edge
    last = (last_x - (corner[0] == right), last_y - (corner[1] == bottom))
    count = (last[0] - first[0] + 1) * (last[1] - first[1] + 1)
    whole = geometry.geom_type == "Point" or geometry.equals(box(left, bottom, right, top))
    if whole and count > _MOST_TILES:
        raise bad_argument(
            f"The number of tiles covering input rectangle exceeds the limit of 1M. Number of tiles: {count}. "
            f"Rectangle: xMin={left:.2f}, yMin={bottom:.2f}, xMax={right:.2f}, yMax={top:.2f}. Zoom level: {zoom}."
        )
    if not whole and count * shapely.count_coordinates(geometry) > _MOST_WORK:
        raise bad_argument(
            "The zoom level is too high or the geometry is too complex to compute a set of covering Bing tiles. "
            "Please use a lower zoom level or convert the geometry to its bounding box using the ST_Envelope function."
        )
    places = [(x, y) for x in range(first[0], last[0] + 1) for y in range(first[1], last[1] + 1)]
    return [_tile(x, y, zoom) for x, y in places if whole or not geometry.disjoint(box(*_bounds(x, y, zoom)))]

"""Geospatial functions: Trino's, of Athena engine version 3.

Sources: https://docs.aws.amazon.com/athena/latest/ug/geospatial-functions-list.html, https://trino.io/docs/current/functions/geospatial.html
"""

_RELATIONS = "contains crosses disjoint equals intersects overlaps touches within"
_BOUNDS = ("st_xmin", "st_ymin", "st_xmax", "st_ymax")


def _alike() -> str:
    related = [
        f"st_{name}(Geometry, Geometry) -> boolean = geo_related($0, $1, '{name}')" for name in _RELATIONS.split()
    ]
    bounds = [f"{name}(Geometry) -> double = geo_bound($0, {which})" for which, name in enumerate(_BOUNDS)]
    return "\n".join([*related, *bounds])


GEOSPATIAL = rf"""
{_alike()}
st_geometryfromtext(varchar) -> Geometry = geo_from_text($0)
st_linefromtext(varchar) -> Geometry = geo_line_from_text($0)
st_polygon(varchar) -> Geometry = geo_polygon_from_text($0)
st_point(double, double) -> Geometry = geo_point($0, $1)
st_linestring(array(Geometry)) -> Geometry = geo_line($0)
st_multipoint(array(Geometry)) -> Geometry = geo_multi_point($0)
st_geomfrombinary(varbinary) -> Geometry = geo_from_binary($0)
st_asbinary(Geometry) -> varbinary = $0
st_astext(Geometry) -> varchar = geo_text($0)
st_geometrytype(Geometry) -> varchar = geo_type($0)
st_area(Geometry) -> double = geo_area($0)
st_area(SphericalGeography) -> double = geo_sphere_area($0)
st_length(Geometry) -> double = geo_length($0)
st_length(SphericalGeography) -> double = geo_sphere_length($0)
st_distance(Geometry, Geometry) -> double = geo_distance($0, $1)
st_distance(SphericalGeography, SphericalGeography) -> double = geo_sphere_distance($0, $1)
st_x(Geometry) -> double = geo_x($0)
st_y(Geometry) -> double = geo_y($0)
st_envelope(Geometry) -> Geometry = geo_envelope($0)
st_envelopeaspts(Geometry) -> array(Geometry) = geo_corners($0)
st_dimension(Geometry) -> tinyint = CAST(geo_dimension($0) AS TINYINT)
st_coorddim(Geometry) -> tinyint = CAST(CASE WHEN $0 IS NOT NULL THEN 2 END AS TINYINT)
st_isempty(Geometry) -> boolean = geo_is_empty($0)
st_issimple(Geometry) -> boolean = geo_is_simple($0)
st_isvalid(Geometry) -> boolean = geo_is_valid($0)
st_isclosed(Geometry) -> boolean = geo_is_closed($0)
st_isring(Geometry) -> boolean = geo_is_ring($0)
st_numpoints(Geometry) -> bigint = geo_point_count($0)
st_numgeometries(Geometry) -> integer = CAST(geo_part_count($0) AS INTEGER)
st_numinteriorring(Geometry) -> bigint = geo_hole_count($0)
st_geometries(Geometry) -> array(Geometry) = geo_parts($0)
st_geometryn(Geometry, integer) -> Geometry = geo_part($0, $1)
st_points(Geometry) -> array(Geometry) = geo_points($0)
st_pointn(Geometry, integer) -> Geometry = geo_nth_point($0, $1)
st_startpoint(Geometry) -> Geometry = geo_end_point($0, 'ST_StartPoint', 0)
st_endpoint(Geometry) -> Geometry = geo_end_point($0, 'ST_EndPoint', -1)
st_exteriorring(Geometry) -> Geometry = geo_outer_ring($0)
st_interiorrings(Geometry) -> array(Geometry) = geo_holes($0, 'ST_InteriorRings')
st_interiorringn(Geometry, integer) -> Geometry = geo_hole($0, $1)
st_relate(Geometry, Geometry, varchar) -> boolean = geo_relate($0, $1, $2)
st_intersection(Geometry, Geometry) -> Geometry = geo_intersection($0, $1)
st_difference(Geometry, Geometry) -> Geometry = geo_difference($0, $1)
st_symdifference(Geometry, Geometry) -> Geometry = geo_sym_difference($0, $1)
st_union(Geometry, Geometry) -> Geometry = CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN geo_union([$0, $1]) END
geometry_union(array(Geometry)) -> Geometry = geo_union($0)
st_buffer(Geometry, double) -> Geometry = geo_buffer($0, $1)
st_centroid(Geometry) -> Geometry = geo_centroid($0)
st_convexhull(Geometry) -> Geometry = geo_hull($0)
st_boundary(Geometry) -> Geometry = geo_boundary($0)
simplify_geometry(Geometry, double) -> Geometry = geo_simplified($0, $1)
line_locate_point(Geometry, Geometry) -> double = geo_located($0, $1)
line_interpolate_point(Geometry, double) -> Geometry = geo_interpolated($0, $1)
line_interpolate_points(Geometry, double) -> array(Geometry) = geo_interpolated_all($0, $1)
geometry_nearest_points(Geometry, Geometry) -> row(Geometry, Geometry) = list_transform([geo_nearest($0, $1)], lambda n: CASE WHEN n IS NOT NULL THEN struct_pack(field0 := n[1], field1 := n[2]) END)[1]
great_circle_distance(double, double, double, double) -> double = geo_great_circle($0, $1, $2, $3)
to_spherical_geography(Geometry) -> SphericalGeography = geo_to_sphere($0)
to_geometry(SphericalGeography) -> Geometry = $0
to_geojson_geometry(SphericalGeography) -> varchar = geo_to_json($0)
from_geojson_geometry(varchar) -> SphericalGeography = geo_from_json($0)
to_encoded_polyline(Geometry) -> varchar = geo_to_polyline($0)
from_encoded_polyline(varchar) -> Geometry = geo_from_polyline($0)
bing_tile(varchar) -> BingTile = geo_tile_of_key($0)
bing_tile(integer, integer, integer) -> BingTile = geo_tile($0, $1, $2)
bing_tile_at(double, double, integer) -> BingTile = geo_tile_at($0, $1, $2)
bing_tile_quadkey(BingTile) -> varchar = geo_tile_key($0)
bing_tile_coordinates(BingTile) -> row(x integer, y integer) = list_transform([geo_tile_place($0)], lambda n: CASE WHEN n IS NOT NULL THEN struct_pack(x := n[1], y := n[2]) END)[1]
bing_tile_zoom_level(BingTile) -> tinyint = CAST(geo_tile_zoom($0) AS TINYINT)
bing_tile_polygon(BingTile) -> Geometry = geo_tile_polygon($0)
bing_tiles_around(double, double, integer) -> array(BingTile) = geo_tiles_around($0, $1, $2)
geometry_to_bing_tiles(Geometry, integer) -> array(BingTile) = geo_covering_tiles($0, $1)
"""

GEOSPATIAL_AGGREGATES = r"""
geometry_union_agg(Geometry) -> Geometry = geo_union(list($0)$F)
convex_hull_agg(Geometry) -> Geometry = geo_hull_of(list($0)$F)
"""

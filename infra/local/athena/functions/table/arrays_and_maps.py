"""Functions of arrays and maps.

Source: https://trino.io/docs/current/functions/array.html, map.html
"""

ARRAY = r"""
all_match(array(T), function(T,boolean)) -> boolean = all_of(list_transform($0, $1))
any_match(array(T), function(T,boolean)) -> boolean = any_of(list_transform($0, $1))
none_match(array(T), function(T,boolean)) -> boolean = (NOT any_of(list_transform($0, $1)))
array_distinct(array(E)) -> array(E) = ordered_distinct($0)
array_except(array(E), array(E)) -> array(E) = array_without($0, $1)
array_intersect(array(E), array(E)) -> array(E) = array_common($0, $1)
array_join(array(T), varchar) -> varchar = @array_join
array_join(array(T), varchar, varchar) -> varchar = @array_join
array_max(array(E)) -> E = whole_list($0, list_max($0))
array_min(array(E)) -> E = whole_list($0, list_min($0))
array_position(array(E), E) -> bigint = position_in($0, $1)
array_remove(array(E), E) -> array(E) = array_removed($0, $1)
array_sort(array(E)) -> array(E) = list_sort($0, 'ASC', 'NULLS LAST')
array_sort(array(T), function(T,T,bigint)) -> array(T) = @array_sort
array_union(array(E), array(E)) -> array(E) = ordered_distinct(array_joined($0, $1))
arrays_overlap(array(E), array(E)) -> boolean = overlapping($0, $1)
cardinality(array(T)) -> bigint = CAST(len($0) AS BIGINT)
cardinality(hyperloglog) -> bigint = CAST(list_unique($0) AS BIGINT)
cardinality(setdigest) -> bigint = CAST(list_unique($0) AS BIGINT)
hash_counts(setdigest) -> map(bigint,smallint) = set_counts($0)
intersection_cardinality(setdigest, setdigest) -> bigint = CAST(list_unique(list_intersect($0, $1)) AS BIGINT)
jaccard_index(setdigest, setdigest) -> double = (list_unique(list_intersect($0, $1)) / CAST(list_unique(list_concat($0, $1)) AS DOUBLE))
empty_approx_set() -> hyperloglog = CAST([] AS UBIGINT[])
value_at_quantile(qdigest(T), double) -> T = percentile($0, $1)
value_at_quantile(tdigest, double) -> double = percentile($0, $1)
values_at_quantiles(qdigest(T), array(double)) -> array(T) = percentiles($0, $1)
values_at_quantiles(tdigest, array(double)) -> array(double) = percentiles($0, $1)
cardinality(map(K,V)) -> bigint = CAST(cardinality($0) AS BIGINT)
combinations(array(T), bigint) -> array(array(T)) = @combinations
contains(array(T), T) -> boolean = has_element($0, $1)
contains(varchar, ipaddress) -> boolean = network_contains($0, $1)
contains_sequence(array(T), array(T)) -> boolean = has_sequence($0, $1)
element_at(array(E), bigint) -> E = element_of($0, $1)
element_at(map(K,V), K) -> V = map_extract_value($0, $1)
filter(array(T), function(T,boolean)) -> array(T) = list_filter($0, $1)
flatten(array(array(E))) -> array(E) = flatten($0)
ngrams(array(T), bigint) -> array(array(T)) = ngrams_of($0, $1)
reduce(array(T), S, function(S,T,S), function(S,R)) -> R = @reduce
repeat(T, bigint) -> array(T) = repeated($0, $1)
sequence(bigint, bigint) -> array(bigint) = number_sequence($0, $1)
sequence(bigint, bigint, bigint) -> array(bigint) = stepped_sequence($0, $1, $2)
sequence(date, date) -> array(date) = @date_sequence
sequence(date, date, interval day to second) -> array(date) = @date_sequence
sequence(date, date, interval year to month) -> array(date) = @date_sequence
sequence(timestamp(p), timestamp(p), interval day to second) -> array(timestamp(p)) = day_sequence($0, $1, epoch_ms($2))
sequence(timestamp(p), timestamp(p), interval year to month) -> array(timestamp(p)) = month_sequence($0, $1, months_of($2))
shuffle(array(E)) -> array(E) = list_transform(list_sort(list_transform($0, lambda v: struct_pack(r := random(), v := v))), lambda w: w.v)
slice(array(E), bigint, bigint) -> array(E) = slice_of($0, $1, $2)
transform(array(T), function(T,U)) -> array(U) = list_transform($0, $1)
trim_array(array(E), bigint) -> array(E) = trimmed_array($0, $1)
zip(array(T), array(U)) -> array(row(T,U)) = @zip_lists
zip(array(T), array(U), array(V)) -> array(row(T,U,V)) = @zip_lists
zip(array(T), array(U), array(V), array(W)) -> array(row(T,U,V,W)) = @zip_lists
zip(array(T), array(U), array(V), array(W), array(X)) -> array(row(T,U,V,W,X)) = @zip_lists
zip_with(array(T), array(U), function(T,U,R)) -> array(R) = @zip_with
"""
MAP = r"""
map() -> map(unknown, unknown) = MAP([], [])
map(array(K), array(V)) -> map(K,V) = new_map($0, $1)
map_concat(map(K,V), map(K,V)...) -> map(K,V) = map_concat($*)
map_entries(map(K,V)) -> array(row(K,V)) = list_transform(map_entries($0), lambda n: struct_pack(field0 := n.key, field1 := n.value))
map_filter(map(K,V), function(K,V,boolean)) -> map(K,V) = @map_filter
map_from_entries(array(row(K,V))) -> map(K,V) = @map_from_entries
map_keys(map(K,V)) -> array(K) = map_keys($0)
map_values(map(K,V)) -> array(V) = map_values($0)
map_zip_with(map(K,V), map(K,W), function(K,V,W,R)) -> map(K,R) = @map_zip_with
multimap_from_entries(array(row(K,V))) -> map(K,array(V)) = @multimap_from_entries
transform_keys(map(K,V), function(K,V,R)) -> map(R,V) = @transform_keys
transform_values(map(K,V), function(K,V,R)) -> map(K,R) = @transform_values
"""

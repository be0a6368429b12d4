"""Functions of JSON.

Source: https://trino.io/docs/current/functions/json.html
"""

JSON = r"""
is_json_scalar(json) -> boolean = (json_type($0) NOT IN ('ARRAY', 'OBJECT'))
is_json_scalar(varchar) -> boolean = scalar_json($0)
json_array_contains(json, boolean) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['BOOLEAN'])
json_array_contains(json, bigint) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['BIGINT', 'UBIGINT'])
json_array_contains(json, double) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['DOUBLE'])
json_array_contains(json, varchar) -> boolean = json_array_has($0, $1, ['VARCHAR'])
json_array_contains(varchar, boolean) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['BOOLEAN'])
json_array_contains(varchar, bigint) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['BIGINT', 'UBIGINT'])
json_array_contains(varchar, double) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['DOUBLE'])
json_array_contains(varchar, varchar) -> boolean = json_array_has(json_or_null($0), $1, ['VARCHAR'])
json_array_get(json, bigint) -> json = json_plain(json_element($0, $1))
json_array_get(varchar, bigint) -> json = json_plain(json_element(json_or_null($0), $1))
json_array_length(json) -> bigint = json_length($0)
json_array_length(varchar) -> bigint = json_length(json_or_null($0))
json_extract(json, varchar) -> json = @json_extract
json_extract(varchar, varchar) -> json = @json_extract
json_extract_scalar(json, varchar) -> varchar = @json_extract_scalar
json_extract_scalar(varchar(x), varchar) -> varchar(x) = @json_extract_scalar
json_format(json) -> varchar = CAST($0 AS VARCHAR)
json_parse(varchar) -> json = CAST(json_canonical($0) AS JSON)
json_size(json, varchar) -> bigint = @json_size
json_size(varchar, varchar) -> bigint = @json_size
"""

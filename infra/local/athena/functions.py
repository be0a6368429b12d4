"""Trino's functions, page by page of its reference, and what each is in DuckDB. signatures.py explains the lines.

Source: https://trino.io/docs/current/functions.html. A function that is not here is refused as Athena refuses it.
"""

from .signatures import table

SCALARS = table("""
abs(tinyint) -> tinyint = abs($0)
abs(smallint) -> smallint = abs($0)
abs(integer) -> integer = abs($0)
abs(bigint) -> bigint = abs($0)
abs(double) -> double = abs($0)
abs(real) -> real = abs($0)
abs(decimal(p,s)) -> decimal(p,s) = abs($0)
lower(varchar(x)) -> varchar(x) = lower($0)
upper(varchar(x)) -> varchar(x) = upper($0)
length(varchar(x)) -> bigint = CAST(length($0) AS BIGINT)
transform(array(T), function(T,U)) -> array(U) = list_transform($0, $1)
filter(array(T), function(T,boolean)) -> array(T) = list_filter($0, $1)
cardinality(array(T)) -> bigint = CAST(len($0) AS BIGINT)
""")

AGGREGATES = table("""
count() -> bigint = count(*)$F
count(T) -> bigint = count($D$0)$F
sum(bigint) -> bigint = CAST(sum($D$0)$F AS BIGINT)
sum(double) -> double = sum($D$0)$F
sum(real) -> real = CAST(sum($D$0)$F AS FLOAT)
sum(decimal(p,s)) -> decimal(38,s) = CAST(sum($D$0)$F AS $r)
avg(bigint) -> double = CAST(avg($D$0)$F AS DOUBLE)
avg(double) -> double = avg($D$0)$F
min(T) -> T = min($D$0)$F
max(T) -> T = max($D$0)$F
array_agg(T) -> array(T) = list($D$0$O)$F
""")

WINDOW = table("""
row_number() -> bigint = row_number()$F
rank() -> bigint = rank()$F
""")

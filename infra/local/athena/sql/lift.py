"""The groups and aggregates of a SELECT as columns of a query inside it, for DuckDB has no TRY around an aggregate."""

import re

_FRESH = re.compile(r"\be\d+\b")


def canonical(sql: str) -> str:
    """SQL with the parameters of its lambdas renumbered, so that equal expressions have equal text."""
    if "lambda" not in sql:
        return sql
    names: dict[str, str] = {}
    return _FRESH.sub(lambda m: names.setdefault(m[0], f"e_{len(names)}"), sql)


class Lift:
    """A query of its own for the groups and aggregates of a SELECT, for DuckDB has no TRY around an aggregate.

    Its columns are g.k0, g.k1, … for the groups and g.a0, g.a1, … for the aggregates.
    """

    def __init__(self, groups: dict[str, str]):
        self.columns = {text: f"g.k{i}" for i, text in enumerate(groups.values())}
        self.groups = {key: self.columns[text] for key, text in groups.items()}

    def name(self, sql: str) -> str:
        """The column of an aggregate's SQL."""
        return self.columns.setdefault(sql, f"g.a{len(self.columns)}")

    def select_list(self) -> str:
        return ", ".join(f"{text} AS {name.removeprefix('g.')}" for text, name in self.columns.items())

"""MATCH_RECOGNIZE: its clauses, and the row pattern.

Source: https://trino.io/docs/current/sql/match-recognize.html
"""

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar.cursor import Rules
from infra.engines.athena.grammar.tokens import Node, line_and_column

_ENDS = (")", "|", "}", ",")
_MOST_PERMUTED = 6  # of n variables there are n! orders


class RowPatterns(Rules):
    in_pattern = 0  # how many MATCH_RECOGNIZE are open here

    def match_recognize(self, start: int, relation: Node) -> Node:
        self.expect("MATCH_RECOGNIZE", "(")
        self.in_pattern += 1
        partition = self._listed("PARTITION", self.expression)
        order = self._listed("ORDER", self.sort_item)
        measures = self.comma_separated(self.measure) if self.accept("MEASURES") else []
        rows = self.rows_per_match()
        skip = self.after_match() if self.accept("AFTER") else ("PAST LAST ROW", None)
        searching, word = self.token.start, self.any_of("INITIAL", "SEEK")
        modifier = self.node("modifier", searching, word=word) if word else None
        self.expect("PATTERN", "(")
        pattern = self.row_pattern()
        self.expect(")")
        subsets = self.comma_separated(self.subset) if self.accept("SUBSET") else []
        self.expect("DEFINE")
        defined = self.comma_separated(self.definition)
        self.expect(")")
        self.in_pattern -= 1
        return self.node(
            "match_recognize", start, relation=relation, partition=partition, order=order, measures=measures, rows=rows, skip=skip,
            pattern=pattern, subsets=subsets, defined=defined, modifier=modifier,
        )  # fmt: skip

    def _listed(self, word: str, item) -> list:
        if not self.accept(word):
            return []
        self.expect("BY")
        return self.comma_separated(item)

    def measure(self) -> tuple[Node, Node]:
        value = self.expression()
        self.expect("AS")
        return value, self.name()

    def rows_per_match(self) -> str:
        """ONE, or what ALL ROWS PER MATCH shows: SHOW, OMIT or UNMATCHED."""
        if self.accept("ONE"):
            self.expect("ROW", "PER", "MATCH")
            return "ONE"
        if not self.accept("ALL"):
            return "ONE"
        self.expect("ROWS", "PER", "MATCH")
        if self.accept("WITH"):
            self.expect("UNMATCHED", "ROWS")
            return "UNMATCHED"
        empty = self.any_of("SHOW", "OMIT")
        if empty:
            self.expect("EMPTY", "MATCHES")
        return empty or "SHOW"

    def after_match(self) -> tuple[str, Node | None]:
        self.expect("MATCH", "SKIP")
        if self.accept("PAST"):
            self.expect("LAST", "ROW")
            return "PAST LAST ROW", None
        self.expect("TO")
        if self.accept("NEXT", "ROW"):
            return "NEXT ROW", None
        which = self.any_of("FIRST", "LAST") if self.is_name(self.peek()) else None
        return which or "LAST", self.name()

    def subset(self) -> tuple[Node, list[Node]]:
        name = self.name()
        self.expect("=")
        return name, self.in_brackets(self.name)

    def definition(self) -> tuple[Node, Node]:
        name = self.name()
        self.expect("AS")
        return name, self.expression()

    # --- the pattern: nodes of sort label, empty, start, end, all (one after the other), any (alternatives), times, without

    def row_pattern(self) -> Node:
        start = self.token.start
        found = [self._concatenated()]
        while self.accept("|"):
            found.append(self._concatenated())
        return found[0] if len(found) == 1 else self._pattern("any", start, parts=found)

    def _pattern(self, sort: str, start: int, **fields) -> Node:
        return self.node("pattern", start, sort=sort, **fields)

    def _concatenated(self) -> Node:
        start = self.token.start
        found = []
        while self.token.text not in (*_ENDS, "") and not (self.token.text == "-" and self.peek().text == "}"):
            found.append(self._quantified())
        if not found:
            self.fail()
        return found[0] if len(found) == 1 else self._pattern("all", start, parts=found)

    def _quantified(self) -> Node:
        start = self.token.start
        found = self._pattern_primary()
        starts = self.token.start
        low: int
        high: int | None
        if self.accept("*"):
            low, high = 0, None
        elif self.accept("+"):
            low, high = 1, None
        elif self.accept("?"):
            low, high = 0, 1
        elif self.token.upper == "{" and self.peek().upper != "-":
            low, high = self._bounds()
        else:
            return found
        bounds = self.node("bounds", starts)
        return self._pattern("times", start, part=found, low=low, high=high, lazy=self.accept("?"), bounds=bounds)

    def _bounds(self) -> tuple[int, int | None]:
        self.expect("{")
        low = self._whole()
        if not self.accept(","):
            self.expect("}")
            if low is None:
                self.fail()
            return low, low
        high = self._whole()
        self.expect("}")
        return low or 0, high

    def _whole(self) -> int | None:
        if self.token.kind != "integer":
            return None
        self.at += 1
        return int(self.tokens[self.at - 1].text)

    def _pattern_primary(self) -> Node:
        start = self.token.start
        if self.accept("^"):
            return self._pattern("start", start)
        if self.accept("$"):
            return self._pattern("end", start)
        if self.accept("{", "-"):
            inner = self.row_pattern()
            self.expect("-", "}")
            return self._pattern("without", start, part=inner)
        if self.accept("("):
            if self.accept(")"):
                return self._pattern("empty", start)
            inner = self.row_pattern()
            self.expect(")")
            return inner
        if self.token.upper == "PERMUTE" and self.peek().upper == "(":
            self.at += 1
            parts = self.in_brackets(self.row_pattern)
            if len(parts) > _MOST_PERMUTED:
                where = line_and_column(self.sql, start)
                raise SyntaxRefused(
                    f"PERMUTE of more than {_MOST_PERMUTED} is not supported by the local Athena", *where
                )
            return self._pattern("permute", start, parts=parts)
        name = self.name()
        return self._pattern("label", start, name=name)

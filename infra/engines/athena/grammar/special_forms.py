"""Expressions that have a syntax of their own: CASE, CAST, EXTRACT, TRIM, LISTAGG, JSON_VALUE and others."""

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar.expressions import Expressions
from infra.engines.athena.grammar.tokens import INTERVAL_UNITS, Node, line_and_column

_CURRENT = ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER") + (
    "CURRENT_CATALOG",
    "CURRENT_SCHEMA",
    "CURRENT_PATH",
)


class SpecialForms(Expressions):
    def constant(self, start: int) -> Node:
        word = self.token.upper
        self.at += 1
        if word == "NULL":
            return self.node("null", start)
        return self.node("boolean", start, value=word == "TRUE")

    def case(self, start: int) -> Node:
        self.expect("CASE")
        operand = None if self.token.upper == "WHEN" else self.expression()
        whens = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            whens.append((condition, self.expression()))
        if not whens:
            self.fail()
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return self.node("case", start, operand=operand, whens=whens, default=default)

    def cast(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        safe = self.token.upper == "TRY_CAST"
        self.at += 2
        value = self.expression()
        self.expect("AS")
        to, pos = self.type_text()
        self.expect(")")
        return self.node("cast", start, value=value, to=to, type_pos=pos, safe=safe)

    def type_text(self) -> tuple[str, int]:
        """The text of a type, up to the bracket that closes what it stands in."""
        first, depth = self.token, 0
        self.tell("<type>")
        if not (first.kind == "word" or first.kind == "quoted"):
            self.fail()
        while depth or self.token.upper not in (")", ","):
            if depth == 0 and self.token.upper in (
                "NULL",
                "ERROR",
                "EMPTY",
                "WITH",
                "WITHOUT",
                "KEEP",
                "OMIT",
                "DEFAULT",
            ):
                zoned = self.token.upper in ("WITH", "WITHOUT") and self.peek().upper == "TIME"
                if not zoned:
                    break
            if self.token.kind not in ("word", "quoted", "integer") and self.token.upper not in (
                "(",
                ")",
                ",",
                "<",
                ">",
            ):
                self.fail()
            depth += (self.token.upper in ("(", "<")) - (self.token.upper in (")", ">"))
            self.at += 1
        return self.sql[first.start : self.tokens[self.at - 1].end], first.start

    def exists(self, start: int) -> Node:
        self.expect("EXISTS", "(")
        query = self.query()
        self.expect(")")
        return self.node("exists", start, query=query)

    def array(self, start: int) -> Node | None:
        if self.peek().upper != "[":
            return None
        self.at += 2
        values = [] if self.token.upper == "]" else self.comma_separated(self.expression)
        self.expect("]")
        return self.node("array", start, values=values)

    def row(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        self.at += 1
        return self.node("row", start, values=self.in_brackets(self.expression))

    def interval(self, start: int) -> Node | None:
        sign = self.peek().upper in ("+", "-")
        if self.peek(1 + sign).kind != "string":
            return None
        negative = self.peek().upper == "-"
        self.at += 1 + sign
        text = self.string_literal().value
        first = self.any_of(*INTERVAL_UNITS) or self.fail()
        last = (self.any_of(*INTERVAL_UNITS) or self.fail()) if self.accept("TO") else None
        return self.node("interval", start, value=text, negative=negative, first=first, last=last)

    def extract(self, start: int) -> Node:
        self.expect("EXTRACT", "(")
        field = self.name()
        self.expect("FROM")
        value = self.expression()
        self.expect(")")
        return self.node("extract", start, field=field, value=value)

    def position(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        self.at += 2
        needle = self.concatenation()
        self.expect("IN")
        text = self.concatenation()
        self.expect(")")
        return self.after_call(start, "strpos", [text, needle])

    def substring(self, start: int) -> Node | None:
        """SUBSTRING(x FROM n FOR m); with commas it is a call like others."""
        if self.peek().upper != "(":
            return None
        before = self.at, self.parameters
        self.at += 2
        text = self.expression()
        if self.accept("FROM"):
            args = [text, self.expression()]
            if self.accept("FOR"):
                args.append(self.expression())
            self.expect(")")
            return self.after_call(start, "substring", args)
        self.at, self.parameters = before
        return None

    def trim(self, start: int) -> Node:
        self.expect("TRIM", "(")
        side = self.any_of("BOTH", "LEADING", "TRAILING")
        characters = value = None
        if not self.accept("FROM"):
            value = self.expression()
            if self.accept("FROM"):
                characters, value = value, self.expression()
            elif side is None and self.accept(","):
                characters = self.expression()
        else:
            value = self.expression()
        self.expect(")")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side or "", "trim")
        return self.after_call(start, name, [value] if characters is None else [value, characters])

    def normalize(self, start: int) -> Node:
        self.expect("NORMALIZE", "(")
        args = [self.expression()]
        if self.accept(","):
            form_start = self.token.start
            form = self.any_of("NFD", "NFC", "NFKD", "NFKC") or self.fail()
            args.append(self.node("string", form_start, value=form))
        self.expect(")")
        return self.after_call(start, "normalize", args)

    def current(self, start: int) -> Node:
        word = self.token.upper
        self.at += 1
        precision = None
        if word in ("CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP") and self.accept("("):
            precision = int(self.integer().value)
            self.expect(")")
        return self.node("current", start, word=word, precision=precision)

    def grouping(self, start: int) -> Node:
        self.expect("GROUPING")
        self.expect("(")
        values = self.comma_separated(self.expression)
        self.expect(")")
        return self.node("grouping_call", start, values=values)

    def listagg(self, start: int) -> Node:
        self.expect("LISTAGG", "(")
        distinct = self.any_of("DISTINCT", "ALL") == "DISTINCT"
        args = [self.expression()]
        if self.accept(","):
            args.append(self.string_literal())
        overflow = None
        if self.accept("ON"):
            self.expect("OVERFLOW")
            if self.accept("ERROR"):
                overflow = "ERROR"
            else:
                self.expect("TRUNCATE")
                if self.token.kind in ("string", "unicode"):
                    self.string_literal()
                self.any_of("WITH", "WITHOUT") or self.fail()
                self.expect("COUNT")
                overflow = "TRUNCATE"
        self.expect(")", "WITHIN", "GROUP", "(", "ORDER", "BY")
        order = self.comma_separated(self.sort_item)
        self.expect(")")
        return self.after_call(start, "listagg", args, distinct=distinct, order=order, overflow=overflow)

    def json_path_call(self, start: int) -> Node:
        """JSON_EXISTS, JSON_VALUE and JSON_QUERY: an input, a path, and clauses."""
        name = self.token.upper.lower()
        self.at += 1
        self.expect("(")
        value = self.expression()
        if self.accept("FORMAT"):
            self.expect("JSON")
        self.expect(",")
        path = self.string_literal()
        passing = self.comma_separated(self.json_passed) if self.accept("PASSING") else []
        returning, wrapper, quotes = None, None, None
        if name != "json_exists" and self.accept("RETURNING"):
            returning = self.type_text()
            if self.accept("FORMAT"):
                self.expect("JSON")
        if name == "json_query":
            wrapper, quotes = self.json_wrapper()
        on_empty, on_error = self.json_on(name)
        self.expect(")")
        return self.node(
            "json_path_call",
            start,
            name=name,
            value=value,
            path=path,
            passing=passing,
            returning=returning,
            wrapper=wrapper,
            quotes=quotes,
            on_empty=on_empty,
            on_error=on_error,
        )

    def json_passed(self) -> tuple[Node, bool, str]:
        """A value of PASSING, whether it is JSON, and its name: in upper case if it stands without quotes."""
        value = self.expression()
        is_json = self.accept("FORMAT", "JSON")
        self.expect("AS")
        name = self.name()
        written = name.written[1:-1].replace('""', '"') if name.quoted else name.written.upper()
        return value, bool(is_json), written

    def json_wrapper(self) -> tuple[str | None, str | None]:
        wrapper = quotes = None
        if self.accept("WITHOUT"):
            self.accept("ARRAY")
            self.expect("WRAPPER")
            wrapper = "WITHOUT"
        elif self.accept("WITH"):
            kind = self.any_of("CONDITIONAL", "UNCONDITIONAL")
            self.accept("ARRAY")
            self.expect("WRAPPER")
            wrapper = kind or "UNCONDITIONAL"
        if word := self.any_of("KEEP", "OMIT"):
            self.expect("QUOTES")
            if self.accept("ON"):
                self.expect("SCALAR")
                self.any_of("TEXT", "STRING") or self.fail()
            quotes = word
        return wrapper, quotes

    def json_on(self, name: str) -> tuple:
        on_empty = on_error = None
        while word := self.any_of("NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
            if word == "DEFAULT":
                behaviour: object = self.expression()
            elif word == "EMPTY" and name == "json_query":
                behaviour = "EMPTY " + (self.any_of("ARRAY", "OBJECT") or self.fail())
            else:
                behaviour = word
            self.expect("ON")
            when = self.any_of("EMPTY", "ERROR") or self.fail()
            if when == "EMPTY":
                on_empty = behaviour
            else:
                on_error = behaviour
        return on_empty, on_error

    def json_object(self, start: int) -> Node:
        self.expect("JSON_OBJECT", "(")
        members = []
        if self.token.upper not in (")", "NULL", "ABSENT", "RETURNING"):
            members = self.comma_separated(self.json_member)
        null_on_null = self.json_nulls(default=True)
        self.json_returning()
        self.expect(")")
        return self.node("json_object", start, members=members, null_on_null=null_on_null)

    def json_member(self) -> tuple[Node, Node, bool]:
        if self.token.upper == "KEY":
            self.at += 1
            key = self.expression()
            self.expect("VALUE")
        else:
            key = self.expression()
            if not self.accept("VALUE"):
                self.expect(":")
        value = self.expression()
        return key, value, self.accept("FORMAT", "JSON")

    def json_array(self, start: int) -> Node:
        self.expect("JSON_ARRAY", "(")
        values = []
        if self.token.upper not in (")", "ABSENT", "RETURNING"):
            values = self.comma_separated(lambda: (self.expression(), self.accept("FORMAT", "JSON")))
        null_on_null = self.json_nulls(default=False)
        self.json_returning()
        self.expect(")")
        return self.node("json_array", start, values=values, null_on_null=null_on_null)

    def json_nulls(self, default: bool) -> bool:
        word = self.any_of("NULL", "ABSENT")
        if word:
            self.expect("ON", "NULL")
            default = word == "NULL"
        if self.accept("WITHOUT", "UNIQUE"):
            self.accept("KEYS")
        elif self.token.upper == "WITH" and self.peek().upper == "UNIQUE":
            where = line_and_column(self.sql, self.token.start)
            raise SyntaxRefused("WITH UNIQUE KEYS is not supported by the local Athena", *where)
        return default

    def json_returning(self) -> None:
        if self.accept("RETURNING"):
            text, pos = self.type_text()
            if text.lower().split("(")[0] not in ("varchar", "char"):
                where = line_and_column(self.sql, pos)
                raise SyntaxRefused(f"RETURNING {text} is not supported by the local Athena", *where)

    special = {
        "NULL": constant,
        "TRUE": constant,
        "FALSE": constant,
        "CASE": case,
        "CAST": cast,
        "TRY_CAST": cast,
        "EXISTS": exists,
        "ARRAY": array,
        "ROW": row,
        "INTERVAL": interval,
        "EXTRACT": extract,
        "POSITION": position,
        "SUBSTRING": substring,
        "TRIM": trim,
        "NORMALIZE": normalize,
        "GROUPING": grouping,
        "LISTAGG": listagg,
        "JSON_EXISTS": json_path_call,
        "JSON_VALUE": json_path_call,
        "JSON_QUERY": json_path_call,
        "JSON_OBJECT": json_object,
        "JSON_ARRAY": json_array,
        **dict.fromkeys(_CURRENT, current),
    }

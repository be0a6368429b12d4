"""Going through the tokens, and names."""

from typing import NoReturn

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar.tokens import RESERVED, Node, Token, line_and_column, tokens


class Cursor:
    """A place in the tokens; it remembers what would have been right there."""

    def __init__(self, sql: str, start: int, end: int):
        self.sql = sql
        self.tokens = tokens(sql, start, end)
        self.at = 0
        self.parameters = 0
        self.furthest = 0
        self.expected: set[str] = set()
        self.muted = -1  # the token at which what is tried is already told, as <expression>

    # --- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def tell(self, what: str) -> None:
        """Remember what would have been right here, for the message."""
        if self.at == self.muted:
            return
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, set()
        if self.at == self.furthest:
            self.expected.add(what)

    def accept(self, *words: str) -> bool:
        """Go on if the next tokens are these."""
        for i, word in enumerate(words):
            if self.peek(i).upper != word:
                if i == 0:
                    self.tell(f"'{word}'")
                return False
        self.at += len(words)
        return True

    def is_any(self, *words: str) -> bool:
        """Whether the next token is one of these; if not, they would have been right."""
        if self.token.upper in words:
            return True
        for word in words:
            self.tell(f"'{word}'")
        return False

    def any_of(self, *words: str) -> str | None:
        for word in words:
            if self.accept(word):
                return word
        return None

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                self.fail()

    def fail(self) -> NoReturn:
        token = self.tokens[max(self.furthest, self.at)]
        expected = ", ".join(sorted(self.expected)) if self.furthest >= self.at else "<expression>"
        where = line_and_column(self.sql, token.start)
        raise SyntaxRefused(f"mismatched input '{token.text}'. Expecting: {expected}", *where)

    def finish(self) -> None:
        self.tell("<EOF>")
        if self.token.kind != "end":
            self.fail()

    def node(self, kind: str, start: int, pos: int | None = None, **fields) -> Node:
        end = self.tokens[self.at - 1].end if self.at else start
        return Node(kind=kind, start=start, pos=start if pos is None else pos, end=end, **fields)

    def comma_separated(self, item) -> list:
        found = [item()]
        while self.accept(","):
            found.append(item())
        return found

    def in_brackets(self, item) -> list:
        self.expect("(")
        found = self.comma_separated(item)
        self.expect(")")
        return found

    # --- names

    def is_name(self, token: Token) -> bool:
        return token.kind == "quoted" or (token.kind == "word" and token.upper not in RESERVED)

    def name(self) -> Node:
        self.tell("<identifier>")
        token = self.token
        if not self.is_name(token):
            self.fail()
        self.at += 1
        if token.kind == "quoted":
            text = token.text[1:-1].replace('""', '"')
            if not text:
                raise SyntaxRefused(
                    "Zero-length delimited identifier not allowed", *line_and_column(self.sql, token.start)
                )
            return self.node("name", token.start, value=text.lower(), quoted=True, written=token.text)
        return self.node("name", token.start, value=token.text.lower(), quoted=False, written=token.text)

    def qualified_name(self) -> list[Node]:
        parts = [self.name()]
        while self.token.upper == "." and self.is_name(self.peek()):
            self.at += 1
            parts.append(self.name())
        return parts


class Rules(Cursor):
    """What the families of rules need of each other; the whole parser has them all."""

    def query(self) -> Node:
        raise NotImplementedError

    in_pattern: int

    def match_recognize(self, start: int, relation: Node) -> Node:
        raise NotImplementedError

    def query_in_brackets(self) -> Node | None:
        raise NotImplementedError

    def sort_item(self) -> Node:
        raise NotImplementedError

    def integer(self) -> Node:
        raise NotImplementedError

    def parameter(self, start: int) -> Node:
        raise NotImplementedError

    def expression(self, star: bool = False) -> Node:
        raise NotImplementedError

    def window_specification(self) -> Node:
        raise NotImplementedError

    def interval(self, start: int) -> Node | None:
        raise NotImplementedError

    def aliased_relation(self) -> Node:
        raise NotImplementedError

    def concatenation(self, star: bool = False) -> Node:
        raise NotImplementedError

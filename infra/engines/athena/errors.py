"""What a statement is refused with, in Trino's codes and words.

Source: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html (ErrorCategory, ErrorType)
"""

USER_ERROR = 2
_TYPES = {
    "DIVISION_BY_ZERO": 1001,
    "TYPE_MISMATCH": 1002,
    "COLUMN_NOT_FOUND": 1006,
    "CATALOG_NOT_FOUND": 1006,
    "INVALID_CAST_ARGUMENT": 1100,
    "INVALID_FUNCTION_ARGUMENT": 1100,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1100,
    "MISSING_COLUMN_NAME": 1100,
    "NOT_SUPPORTED": 1200,
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "FUNCTION_NOT_FOUND": 1303,
}
_OTHER_TYPE = 1006


class QueryError(Exception):
    """A statement that fails: `code` is Trino's error code, `message` the whole StateChangeReason.

    `category` and `type` are AthenaError's ErrorCategory and ErrorType.
    """

    def __init__(self, code: str, text: str, line: int | None = None, column: int | None = None):
        self.code = code
        where = f"line {line}:{column}: " if line is not None else ""
        self.message = f"{code}: {where}{text}"
        self.category = USER_ERROR
        self.type = _TYPES.get(code, _OTHER_TYPE)
        super().__init__(self.message)


class SyntaxRefused(QueryError):
    """Refused by the parser: StartQueryExecution answers InvalidRequestException, MALFORMED_QUERY."""

    def __init__(self, text: str, line: int, column: int):
        super().__init__("SYNTAX_ERROR", text, line, column)
        self.message = f"line {line}:{column}: {text}" if line else text
        self.args = (self.message,)


class Refused(ValueError):
    """A value that a function refuses, with Trino's error code and text."""

    def __init__(self, code: str, text: str):
        super().__init__(f"ATHENA {code}: {text}")

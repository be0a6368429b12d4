"""How a function says that an argument is not one."""

from infra.engines.athena.errors import Refused


def bad_argument(text: str) -> Refused:
    return Refused("INVALID_FUNCTION_ARGUMENT", text)

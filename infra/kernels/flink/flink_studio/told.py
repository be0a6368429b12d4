"""The base of errors that are for the reader of a notebook."""


class Told(Exception):
    """An error whose message says all: IPython prints it without a traceback of the kernel's own code."""

    def __str__(self) -> str:
        return str(self.args[0])

    def _render_traceback_(self) -> list[str]:
        return [str(self)]

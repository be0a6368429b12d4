"""What the notebooks import: which cloud, stacks, the generator, waiting, showing, checking. Never a wrapper around the API that is taught."""

from helpers.connect import connect

__all__ = ["connect"]

"""The recipe actions, a module a family. Importing this package declares them all."""

from . import columns, structure  # noqa: F401

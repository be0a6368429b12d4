"""The recipe actions, a module a family. Importing this package declares them all."""

from . import (  # noqa: F401
    columns,
    date_functions,
    duplicates,
    formats,
    logic,
    math_functions,
    missing,
    nesting,
    outliers,
    privacy,
    reshape,
    row_functions,
    science,
    splits,
    structure,
    text,
    text_functions,
    windows,
)

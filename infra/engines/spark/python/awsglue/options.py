"""What the sources share in reading the options that they are given."""

import re

from awsglue import not_there

CONNECTIONS = "aws-glue-programming-etl-connect"
FORMATS = "aws-glue-programming-etl-format"
# Hints about speed, without an effect on the result
HINTS = {"groupFiles", "groupSize", "useS3ListImplementation", "optimizePerformance", "batchSize", "maxFilesInBand"}
HINTS |= {"compressionType", "compression"}


def refuse(options: dict, known: set[str], page: str) -> None:
    """Refuse options that are not known.

    Raises:
        NotImplementedError: with their names and the guide's page.
    """
    unknown = sorted(set(options) - known)
    if unknown:
        raise not_there(f"The option {', '.join(unknown)}", page)


def is_true(value) -> bool:
    """Whether an option is on: True, or a text as `"true"`."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def literally(path: str) -> str:
    """A path as Spark takes it, where `[`, `{`, `*` and `?` in it are to be no patterns."""
    return re.sub(r"[\[\]{}*?\\]", r"\\\g<0>", path)

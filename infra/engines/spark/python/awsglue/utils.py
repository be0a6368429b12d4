"""Arguments of a job's script (guide: "Accessing parameters using getResolvedOptions")."""

import argparse
import re

RESERVED = ["job_bookmark_option", "job_bookmark_from", "job_bookmark_to", "JOB_ID", "JOB_RUN_ID"]
RESERVED += ["SECURITY_CONFIGURATION", "encryption_type", "enable_data_lineage", "RedshiftTempDir", "TempDir"]
BOOKMARK_OPTIONS = ["job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause"]


class GlueArgumentError(Exception):
    """A required argument of the script is missing or has no value."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise GlueArgumentError(re.sub(r"(--[^/\s,]+)(?:/--[^/\s,]+)+", r"\1", message))  # one spelling of each name

    def _get_option_tuples(self, option_string: str) -> list[tuple]:
        """The options that an abbreviation may mean: the spellings of one name (with `-`, with `_`) count as one."""
        found = super()._get_option_tuples(option_string)
        return list({id(option[0]): option for option in found}.values())


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, str]:
    """Return the values of named job arguments.

    Args:
        args: `sys.argv`; its first entry is the script.
        options: names without the leading `--`; `-` and `_` mean the same. As everywhere in argparse, an argument may be the
            beginning of a name, if it is no name itself: `--env` is `--env_name` unless `env` is asked for too.

    Returns:
        Name -> value for the options (with underscores), and Glue's own arguments, as far as they are set:
        `job_bookmark_option` (default `job-bookmark-disable`), `JOB_ID`, `JOB_RUN_ID`, `TempDir` …

    Raises:
        GlueArgumentError: an option is missing: "the following arguments are required: --X".
        RuntimeError: an option is a name that Glue reserves.
    """
    reserved = [name for name in options if name in RESERVED and name not in ("TempDir", "RedshiftTempDir")]
    if reserved:
        raise RuntimeError(f"Using reserved arguments {', '.join(reserved)}")
    parser = _Parser(add_help=False)
    for name in RESERVED:
        parser.add_argument(f"--{name.replace('_', '-')}", f"--{name}", dest=name)
    for name in options:
        if name not in RESERVED:
            spellings = (name, name.replace("_", "-"), name.replace("-", "_"))
            parser.add_argument(
                *dict.fromkeys(f"--{each}" for each in spellings), dest=name.replace("-", "_"), required=True
            )
    found = vars(parser.parse_known_args(args[1:])[0])
    if "TempDir" in options and found["TempDir"] is None:
        raise GlueArgumentError("the following arguments are required: --TempDir")
    found["job_bookmark_option"] = found["job_bookmark_option"] or "job-bookmark-disable"
    if found["job_bookmark_option"] not in BOOKMARK_OPTIONS:
        raise GlueArgumentError(f"argument --job-bookmark-option: invalid choice: {found['job_bookmark_option']!r}")
    found["RedshiftTempDir"] = found["RedshiftTempDir"] or found["TempDir"] or ""
    found["TempDir"] = found["TempDir"] or found["RedshiftTempDir"]
    return {name: value for name, value in found.items() if value is not None}

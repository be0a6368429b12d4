"""jq in a process of its own: a user's query may run without an end, want all memory, or ask for files and the environment."""

from infra.engines.jq.client import Extractor, QueryFailed, problem

__all__ = ["Extractor", "QueryFailed", "problem"]

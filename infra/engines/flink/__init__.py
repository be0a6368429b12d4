"""Managed Flink applications: each one process with a MiniCluster of its own."""


class FlinkError(RuntimeError):
    """Flink did not do what it was asked; the message is its own."""

"""Managed Flink applications: each one process with a MiniCluster of its own."""

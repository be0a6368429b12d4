"""Trino functions in Python, a file a kind of value."""

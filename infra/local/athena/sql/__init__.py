"""Queries: Trino's grammar, its checks of names and types, and the DuckDB SQL that gives the same answer."""

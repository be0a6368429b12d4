"""Spark 3.5.6 in a process of its own: how it starts (options), what runs in it (driver), who talks to it (client)."""

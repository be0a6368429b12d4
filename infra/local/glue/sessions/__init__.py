"""Glue interactive sessions: record.py is what is kept of them, running.py what runs, backend.py the operations, api.py their answers."""

"""Glue jobs: record.py is what is kept of them, checks.py what is refused, running.py what runs, backend.py the operations, api.py their answers."""

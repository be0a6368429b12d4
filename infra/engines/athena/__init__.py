"""The process that runs Athena's queries: DuckDB with a limit of memory, Trino's functions that it lacks, and the readers of text files."""

"""Athena's Iceberg tables: metadata, manifests and commits by pyiceberg, rows by DuckDB, files in the account's S3, and the catalog is Glue's.

What changes rows writes the files anew that they are in (copy-on-write). Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg.html
Nothing here is imported before a statement meets an Iceberg table: pyiceberg takes some forty megabytes.
"""

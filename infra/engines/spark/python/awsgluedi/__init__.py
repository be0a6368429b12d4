"""Data integration transforms of AWS Glue, which only the service itself has."""

"""AWS Glue Data Quality, which only the service itself has."""

"""The data: tables of the Glue Data Catalog over the objects of S3, read and written."""

"""A clean-room `awsglue` for Spark 3.5: AWS's documented Python interface on plain DataFrames.

Written from the AWS Glue Developer Guide only ("AWS Glue PySpark extensions reference", "AWS Glue PySpark transforms
reference", "Tracking processed data using job bookmarks", "Creating tables, updating the schema … from ETL jobs").
Nothing is taken from aws-glue-libs. What is not there raises NotImplementedError with the page's address.

Where things are: `context` (GlueContext), `dynamicframe` (DynamicFrame, collections, reader, writer), `transforms`,
`job` and `bookmark`, `utils` (getResolvedOptions), `data_source` and `data_sink`, `gluetypes`; and of our own:
`paths` (dotted paths in a schema), `choice` (choice types), `infer` (types of JSON records), `nested` (flattening),
`records` (rows in Python), `errors` (error records), `catalog` (Glue tables), `storage` (objects and files).
"""

GUIDE = "https://docs.aws.amazon.com/glue/latest/dg/"


def not_there(what: str, page: str) -> NotImplementedError:
    """The error for a part of AWS Glue that this local version does not have, with the page that describes it."""
    return NotImplementedError(f"{what} is not available in this local AWS Glue. See {GUIDE}{page}.html")


def __getattr__(name: str):
    """`from awsglue import DynamicFrame`, as scripts of Glue Studio have it; pythonshell jobs do not load Spark for it."""
    if name != "DynamicFrame":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from awsglue.dynamicframe import DynamicFrame

    return DynamicFrame

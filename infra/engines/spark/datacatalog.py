"""The Glue Data Catalog in `spark.sql` (`--enable-glue-datacatalog`)."""


def install() -> None:
    raise NotImplementedError("--enable-glue-datacatalog")

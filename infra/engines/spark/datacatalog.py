"""The Glue Data Catalog in `spark.sql`, `spark.table` and `spark.catalog` (`--enable-glue-datacatalog`).

AWS's metastore client for Spark is not published, so Spark keeps its in-memory catalog and this module keeps that equal
to the Data Catalog for the names in hand: before a statement, the tables that it names are fetched; after one that
changes the catalog, the change is made in the Data Catalog too. Changes that would stay in memory only are refused.
"""

import functools
import inspect
import json
import re
from dataclasses import dataclass

from awsglue import catalog, not_there
from botocore.exceptions import ClientError
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrameReader, DataFrameWriter, SparkSession
from pyspark.sql.catalog import Catalog
from pyspark.sql.types import StructType

# How a parsed, not yet resolved plan names things: 'UnresolvedRelation [db, table], [], false
NAMED = re.compile(r"Unresolved(Relation|Table|TableOrView|View|Identifier|Namespace) \[([^\]]*)\]")
DEFINES = {"CreateTable", "CreateTableAsSelect", "ReplaceTable", "ReplaceTableAsSelect", "AddColumns"}
FILLS = {
    "InsertIntoStatement",
    "AddPartitions",
    "DropPartitions",
    "RecoverPartitions",
    "RepairTable",
    "TruncatePartition",
}
REFUSED = {"RenameTable", "RenameColumn", "DropColumns", "AlterColumn", "ReplaceColumns", "SetTableProperties"}
REFUSED |= {"UnsetTableProperties", "SetTableLocation", "RenamePartitions", "SetTableSerDeProperties", "CreateView"}
REFUSED |= {"AlterViewAs", "CommentOnTable", "SetNamespaceLocation", "SetNamespaceProperties", "CommentOnNamespace"}
PAGE = "aws-glue-programming-etl-glue-data-catalog-hive"
BATCH = 100  # partitions in a call of the Glue API


@dataclass
class Named:
    """What a statement names."""

    tables: list[tuple[str, str]]  # database, table
    databases: list[str]


class DataCatalog:
    """The link between one Spark application's catalog and the Data Catalog."""

    def __init__(self, spark: SparkSession):
        self._spark = spark
        self._known: dict[tuple[str, str], catalog.CatalogTable] = {}

    @property
    def _external(self):
        return self._spark._jsparkSession.sharedState().externalCatalog()

    def _current(self) -> str:
        return self._spark._jsparkSession.sessionState().catalog().getCurrentDatabase()

    # from the Data Catalog to Spark

    def pull_database(self, name: str) -> bool:
        """Make a database of the Data Catalog known to Spark; False if there is none."""
        if self._external.databaseExists(name) and name != "default":
            return True
        try:
            found = catalog.client().get_database(Name=name)["Database"]
        except ClientError as error:
            if not catalog.not_found(error):
                raise
            return False
        catalog.ensure_database(self._spark, name, found.get("LocationUri") or None)
        return True

    def pull_table(self, database: str, name: str) -> None:
        """Make Spark's table equal to the Data Catalog's; what is not there (any more) is not in Spark either."""
        key = (database, name)
        try:
            table = catalog.fetch(database, name)
        except ClientError as error:
            if not catalog.not_found(error):
                raise
            if self._known.pop(key, None):
                self._forget(database, name)
            return
        self.pull_database(database)
        quoted = f"`{database}`.`{name}`"
        if self._known.get(key) == table and self._external.tableExists(database, name):
            self._spark._jsparkSession.sql(f"REFRESH TABLE {quoted}")  # files may be new
            return
        catalog.register(self._spark, table, database, name)
        self._known[key] = table

    def pull_all(self, database: str) -> None:
        """All tables of a database."""
        if not self.pull_database(database):
            return
        pages = catalog.client().get_paginator("get_tables").paginate(DatabaseName=database)
        names = [
            table["Name"] for page in pages for table in page["TableList"] if table.get("TableType") != "VIRTUAL_VIEW"
        ]
        for gone in [name for db, name in self._known if db == database and name not in names]:
            self.pull_table(database, gone)
        for name in names:
            try:
                self.pull_table(database, name)
            except NotImplementedError:
                continue  # a format that cannot be read: not listed, and refused with its reason when it is used

    def pull_databases(self) -> None:
        for page in catalog.client().get_paginator("get_databases").paginate():
            for database in page["DatabaseList"]:
                self.pull_database(database["Name"])

    def pull(self, named: Named) -> None:
        for database in named.databases:
            self.pull_database(database)
        for database, table in named.tables:
            self.pull_table(database, table)

    def _forget(self, database: str, name: str) -> None:
        self._spark._jsparkSession.sql(f"DROP TABLE IF EXISTS `{database}`.`{name}`")

    # from Spark to the Data Catalog

    def push_database(self, name: str) -> None:
        """Make or delete the database as Spark just did."""
        glue = catalog.client()
        if self._external.databaseExists(name):
            location = self._external.getDatabase(name).locationUri().toString()
            given = {"Name": name} | ({} if location.startswith("file:") else {"LocationUri": location})
            _unless("AlreadyExistsException", glue.create_database, DatabaseInput=given)
        else:
            _unless("EntityNotFoundException", glue.delete_database, Name=name)

    def push_table(self, database: str, name: str) -> None:
        """Make, change or delete the table as Spark just did.

        Raises:
            AnalysisException: the table would be a folder of this process: its database has no location.
        """
        glue = catalog.client()
        if not self._external.tableExists(database, name):
            self._known.pop((database, name), None)
            _unless("EntityNotFoundException", glue.delete_table, DatabaseName=database, Name=name)
            return
        described = self._external.getTable(database, name)
        if described.tableType().name() == "MANAGED" and described.location().getScheme() in (None, "file"):
            self._forget(database, name)
            message = f"Database {database} has no location, so the table needs one. Can not create a Path from an empty string"
            raise AnalysisException(message)
        given = _table_input(described, name)
        try:
            glue.create_table(DatabaseName=database, TableInput=given)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
            before = glue.get_table(DatabaseName=database, Name=name)["Table"]
            given["Parameters"] = before.get("Parameters", {}) | given["Parameters"]
            glue.update_table(DatabaseName=database, TableInput=given)
        self.push_partitions(database, name)

    def push_partitions(self, database: str, name: str) -> None:
        """Make the Data Catalog's partitions those that Spark has now."""
        glue = catalog.client()
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
        keys = [key["Name"] for key in table.get("PartitionKeys", [])]
        if not keys:
            return
        ours = self._partitions(database, name, keys)
        theirs = {tuple(values) for values, _ in catalog.fetch(database, name).partitions}
        described = table["StorageDescriptor"]
        inputs = [
            {"Values": list(values), "StorageDescriptor": described | {"Location": location}}
            for values, location in ours.items()
            if values not in theirs
        ]
        for start in range(0, len(inputs), BATCH):
            part = inputs[start : start + BATCH]
            answer = glue.batch_create_partition(DatabaseName=database, TableName=name, PartitionInputList=part)
            for failed in answer.get("Errors", []):
                raise RuntimeError(f"{failed['ErrorDetail']['ErrorCode']}: {failed['ErrorDetail']['ErrorMessage']}")
        for values in theirs - set(ours):
            glue.delete_partition(DatabaseName=database, TableName=name, PartitionValues=list(values))
        self._known[(database, name)] = catalog.fetch(database, name)

    def _partitions(self, database: str, name: str, keys: list[str]) -> dict[tuple[str, ...], str]:
        none = getattr(self._spark._jvm.scala, "None$").__getattr__("MODULE$")
        found = self._external.listPartitions(database, name, none)
        partitions = {}
        for index in range(found.size()):
            part = found.apply(index)
            values = tuple(part.spec().apply(key) for key in keys)
            partitions[values] = part.location().toString()
        return partitions

    # statements

    def named(self, plan) -> Named:
        """What a parsed plan names. A name without a database is of the current one; temporary views are left out."""
        tables, databases = [], []
        session = self._spark._jsparkSession.sessionState().catalog()
        for kind, text in NAMED.findall(plan.toString()):
            parts = text.split(", ") if text else []
            if parts[:1] == ["spark_catalog"]:
                parts = parts[1:]
            if kind == "Namespace":
                databases.append(parts[-1] if parts else self._current())
            elif len(parts) == 2:
                tables.append((parts[0], parts[1]))
            elif len(parts) == 1 and session.getTempView(parts[0]).isEmpty():
                tables.append((self._current(), parts[0]))
        return Named(list(dict.fromkeys(tables)), list(dict.fromkeys(databases)))

    def before(self, text: str) -> tuple[str, Named]:
        """Fetch what a statement needs; returns its kind (the class of its plan) and what it names.

        Raises:
            NotImplementedError: it would change the catalog in a way that is not carried over.
        """
        try:
            plan = self._spark._jsparkSession.sessionState().sqlParser().parsePlan(text)
        except ParseException:
            return "", Named([], [])  # Spark says it better itself
        kind, named = plan.getClass().getSimpleName(), self.named(plan)
        if kind in REFUSED:
            raise not_there(f"{kind} in the Data Catalog by Spark SQL", PAGE)
        self.pull(named)
        if kind == "ShowNamespaces":
            self.pull_databases()
        if kind in ("ShowTables", "ShowTableExtended"):
            for database in named.databases:
                self.pull_all(database)
        return kind, named

    def after(self, kind: str, named: Named) -> None:
        """Carry over what a statement changed. The table that it is about is the first that it names."""
        if kind in ("CreateNamespace", "DropNamespace"):
            self.push_database(named.databases[0])
        elif kind in DEFINES or kind == "DropTable":
            self.push_table(*named.tables[0])
        elif kind in FILLS:
            self.push_partitions(*named.tables[0])


def _unless(code: str, call, **arguments) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


def _table_input(described, name: str) -> dict:
    """The Glue table for a table of Spark's catalog (org.apache.spark.sql.catalyst.catalog.CatalogTable)."""
    kind = described.provider().get().lower()
    if kind not in catalog.STORAGE:
        raise not_there(f"Tables of the format {kind} in the Data Catalog", PAGE)
    serde, read, write = catalog.STORAGE[kind]
    keys = {described.partitionColumnNames().apply(i) for i in range(described.partitionColumnNames().size())}
    columns = [
        {"Name": field.name.lower(), "Type": field.dataType.simpleString()}
        for field in StructType.fromJson(json.loads(described.schema().json()))
    ]
    parameters = {"serialization.format": "1"}
    if kind == "json":
        parameters = {"paths": ",".join(column["Name"] for column in columns)}
    if kind == "csv":
        parameters = {"field.delim": ","}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [column for column in columns if column["Name"] in keys],
        "Parameters": {"classification": kind, "spark.sql.sources.provider": kind},
        "StorageDescriptor": {
            "Columns": [column for column in columns if column["Name"] not in keys],
            "Location": described.location().toString(),
            "InputFormat": read,
            "OutputFormat": write,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
        },
    }


_links: dict[int, DataCatalog] = {}


def _link(spark: SparkSession) -> DataCatalog:
    """The link of a session's application."""
    return _links.setdefault(id(spark.sparkContext), DataCatalog(spark))


def install() -> None:
    """Let this process's Spark sessions see the Data Catalog. Called once, before user code runs."""
    _wrap_sql()
    _wrap_by_name(SparkSession, "table", lambda self, name: (self, name))
    _wrap_by_name(DataFrameReader, "table", lambda self, name: (self._spark, name))
    _wrap_writer("saveAsTable", DataCatalog.push_table)
    _wrap_writer("insertInto", DataCatalog.push_partitions)
    for method in ("tableExists", "getTable", "listColumns", "refreshTable", "cacheTable"):
        _wrap_catalog(method, lambda link, given: link.pull(_one(link, given["tableName"], given.get("dbName"))))
    for method in ("databaseExists", "getDatabase", "setCurrentDatabase"):
        _wrap_catalog(method, lambda link, given: link.pull_database(given["dbName"]))
    _wrap_catalog("listTables", lambda link, given: link.pull_all(given.get("dbName") or link._current()))
    _wrap_catalog("listDatabases", lambda link, given: link.pull_databases())


def _one(link: DataCatalog, name: str, database: str | None = None) -> Named:
    """A table named by `t`, `db.t` or with backticks, as Spark's own parser reads it."""
    if database:
        return Named([(database, name)], [])
    try:
        plan = link._spark._jsparkSession.sessionState().sqlParser().parsePlan(f"TABLE {name}")
    except ParseException:
        return Named([], [])
    return link.named(plan)


def _wrap_sql() -> None:
    original = SparkSession.sql

    @functools.wraps(original)
    def sql(self, sqlQuery, args=None, **kwargs):
        link = _link(self)
        text = sqlQuery
        if kwargs:
            from pyspark.sql.sql_formatter import SQLStringFormatter

            formatter = SQLStringFormatter(self)
            text = formatter.format(sqlQuery, **kwargs)
            try:
                return _run(link, text, lambda: original(self, text, args))
            finally:
                formatter.clear()
        return _run(link, text, lambda: original(self, text, args))

    SparkSession.sql = sql


def _run(link: DataCatalog, text: str, statement):
    kind, named = link.before(text)
    result = statement()
    link.after(kind, named)
    return result


def _wrap_by_name(owner: type, method: str, who) -> None:
    original = getattr(owner, method)

    @functools.wraps(original)
    def by_name(self, tableName):
        spark, name = who(self, tableName)
        link = _link(spark)
        link.pull(_one(link, name))
        return original(self, tableName)

    setattr(owner, method, by_name)


def _wrap_writer(method: str, push) -> None:
    original = getattr(DataFrameWriter, method)

    @functools.wraps(original)
    def write(self, name, *args, **kwargs):
        link = _link(self._spark)
        named = _one(link, name)
        link.pull(named)
        original(self, name, *args, **kwargs)
        if named.tables:
            push(link, *named.tables[0])

    setattr(DataFrameWriter, method, write)


def _wrap_catalog(method: str, pull) -> None:
    original = getattr(Catalog, method)
    signature = inspect.signature(original)

    @functools.wraps(original)
    def wrapped(self, *args, **kwargs):
        pull(_link(self._sparkSession), signature.bind(self, *args, **kwargs).arguments)
        return original(self, *args, **kwargs)

    setattr(Catalog, method, wrapped)

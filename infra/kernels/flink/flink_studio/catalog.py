"""The Glue Data Catalog as Flink's catalog: tables of Glue appear before a statement runs, tables that a statement made go to Glue."""

import json
import re

from botocore.exceptions import BotoCoreError, ClientError

from infra.engines.flink.aws import Aws
from infra.engines.flink.cluster import CATALOG, Cluster

from .errors import explain
from .glue import FlinkTable, UnreadableTable, to_flink, to_glue
from .told import Told


class CatalogError(Told):
    """A table cannot be read, or Glue refused a change; the message is for the reader."""


class GlueCatalog:
    """Keeps one in-memory catalog of Flink (shared by the streaming and the batch environment) equal to Glue.

    Args:
        cluster: the running Flink.
        database: the Glue database that paragraphs start in.
    """

    def __init__(self, cluster: Cluster, database: str):
        self._cluster = cluster
        self._java = cluster.java
        self._catalog = cluster.catalog
        self._databases: set[str] = set()  # of Glue
        self._listed: set[str] = set()  # of Flink, before a statement
        self._known: dict[tuple[str, str], str] = {}  # (database, table) -> fingerprint of Glue's definition
        # those that Flink has, as it has them; only these can be dropped by a statement
        self._shown: dict[tuple[str, str], object] = {}
        self._unreadable: dict[tuple[str, str], str] = {}
        self._ensure_database(database)
        for environment in (cluster.st_env, cluster.bt_env):
            environment.use_database(database)

    def sync(self, aws: Aws, environment, sql: str) -> None:
        """Bring what a statement may name up to date: its environment's database, and databases that the text names.

        Raises:
            CatalogError: Glue refuses, or the text names a table that this Flink cannot read.
        """
        glue = aws.session.client("glue", region_name=aws.region)
        current = environment.get_current_database()
        try:
            self._databases = {
                d["Name"] for page in glue.get_paginator("get_databases").paginate() for d in page["DatabaseList"]
            }
            for name in self._databases:
                self._ensure_database(name)
            self._listed = set(self._catalog.listDatabases())
            for name in self._databases & {
                current,
                *re.findall(r"`?(\w+)`?\s*\.", sql),
                *DROPPED_DATABASE.findall(sql),
            }:
                self._sync_database(glue, aws, name)
        except (ClientError, BotoCoreError) as error:
            raise CatalogError(f"The Glue Data Catalog did not answer: {error}") from error
        for key in [(database or current, table) for database, table in tables_in(sql)]:
            if key in self._unreadable:
                raise CatalogError(self._unreadable[key])

    def store(self, aws: Aws, environment) -> None:
        """Write to Glue what a statement changed: databases made and dropped, tables made, changed and dropped.

        Raises:
            CatalogError: Glue refuses; the change is then undone here.
        """
        glue = aws.session.client("glue", region_name=aws.region)
        self._store_databases(glue)
        for database in self._catalog.listDatabases():
            here = {(database, table) for table in self._catalog.listTables(database)}
            shown = {key for key in self._shown if key[0] == database}
            for key in here - shown:
                self._create(glue, aws, environment, *key)
            for key in shown - here:
                self._call(glue.delete_table, DatabaseName=database, Name=key[1])
                del self._shown[key]
                del self._known[key]
            for key in here & shown:
                self._update(glue, aws, environment, *key)

    def _store_databases(self, glue) -> None:
        here = set(self._catalog.listDatabases())
        for name in here - self._listed:
            database = self._catalog.getDatabase(name)
            try:
                about = {"Description": database.getComment(), "Parameters": dict(database.getProperties())}
                self._call(glue.create_database, DatabaseInput={"Name": name} | {k: v for k, v in about.items() if v})
            except CatalogError:
                self._catalog.dropDatabase(name, True, True)
                raise
            self._databases.add(name)
        for name in (self._listed & self._databases) - here:
            had = {key for key in self._known if key[0] == name}
            shown = {key[1] for key in had & self._shown.keys()}
            for key in had:
                self._known.pop(key)
                self._shown.pop(key, None)
            left = {table["Name"] for table in glue.get_tables(DatabaseName=name)["TableList"]} - shown
            if left:
                self._ensure_database(name)  # its tables come back with the next statement
                raise CatalogError(
                    f"The database {name} holds tables that Flink has not: {', '.join(sorted(left))}. Delete them in Glue first."
                )
            self._call(glue.delete_database, Name=name)
            self._databases.discard(name)

    def _create(self, glue, aws: Aws, environment, database: str, table: str) -> None:
        try:
            if table != table.lower():
                raise CatalogError(f"The Glue Data Catalog keeps names in lower case: call the table {table.lower()}.")
            if database not in self._databases:
                raise CatalogError(
                    f"EntityNotFoundException: Database {database} not found. A table needs a Glue database: create it, or use a TEMPORARY table."
                )
            properties = self._properties(environment, database, table)
            # CREATE TABLE … LIKE copies the endpoint, which is no part of a table: it is added at each start
            for name, _ in aws.endpoint_options().items() & properties.items():
                del properties[name]
            definition = to_glue(table, properties, aws.region)
            self._call(glue.create_table, DatabaseName=database, TableInput=definition)
        except CatalogError:
            self._drop(database, table)
            raise
        self._register(aws, database, definition)

    def _update(self, glue, aws: Aws, environment, database: str, table: str) -> None:
        """ALTER TABLE: all of a table whose definition is Flink's own, only the options of another."""
        before_java, now_java = self._shown[database, table], self._catalog.getTable(self._path(database, table))
        if now_java.equals(before_java):
            return
        stored = json.loads(self._known[database, table])
        before = {k: v for k, v in stored["Parameters"].items() if k.startswith("flink.")}
        if "flink.schema.0.name" not in before:
            self._update_options(glue, aws, (database, table), before_java, now_java)
            return
        now = to_glue(table, self._properties(environment, database, table), aws.region)
        added = {f"flink.{k}" for k in aws.kinesis_options()} - set(before)
        if {k: v for k, v in now["Parameters"].items() if k.startswith("flink.") and k not in added} != before:
            now["Parameters"] = {k: v for k, v in now["Parameters"].items() if k not in added}
            self._call(glue.update_table, DatabaseName=database, TableInput=now)
            self._register(aws, database, now)

    def _update_options(self, glue, aws: Aws, key: tuple[str, str], before, now) -> None:
        stored = glue.get_table(DatabaseName=key[0], Name=key[1])["Table"]
        same = now.getUnresolvedSchema().equals(before.getUnresolvedSchema())
        old, new = dict(before.getOptions()), dict(now.getOptions())
        parameters = {
            k: v for k, v in stored["Parameters"].items() if k.removeprefix("flink.") not in old.keys() - new.keys()
        }
        parameters |= {f"flink.{k}": v for k, v in new.items() if old.get(k) != v}
        definition = {k: v for k, v in stored.items() if k in TABLE_INPUT} | {"Parameters": parameters}
        if same:
            self._call(glue.update_table, DatabaseName=key[0], TableInput=definition)
        self._register(aws, key[0], definition, glue)
        if not same:
            raise CatalogError(f"The columns of {key[1]} were not made by Flink: change them in the Glue Data Catalog.")

    def _sync_database(self, glue, aws: Aws, database: str) -> None:
        found = [
            t for page in glue.get_paginator("get_tables").paginate(DatabaseName=database) for t in page["TableList"]
        ]
        names = {table["Name"] for table in found}
        for key in [key for key in self._known if key[0] == database and key[1] not in names]:
            self._drop(*key)
            del self._known[key]
            self._unreadable.pop(key, None)
        for table in found:
            if self._known.get((database, table["Name"])) != _fingerprint(table):
                self._register(aws, database, table, glue)

    def _register(self, aws: Aws, database: str, table: dict, glue=None) -> None:
        key = (database, table["Name"])
        self._drop(*key)
        self._unreadable.pop(key, None)
        self._known[key] = _fingerprint(table)
        try:
            flink = to_flink(table, aws.region, _hive_folders(glue, database, table))
            self._add(aws, key, flink)
        except UnreadableTable as reason:
            self._unreadable[key] = str(reason)
            return
        except Exception as error:  # Flink refuses the definition: said when a statement names the table
            self._unreadable[key] = (
                f"Flink cannot use the table {key[1]} of the Glue Data Catalog: {explain(error).message}"
            )
            return
        self._shown[key] = self._catalog.getTable(self._path(*key))

    def _add(self, aws: Aws, key: tuple[str, str], table: FlinkTable) -> None:
        extra = {k: v for k, v in aws.kinesis_options().items() if k not in table.options}
        extra = extra if table.options.get("connector") == "kinesis" else {}
        if table.properties is not None:
            utility = self._java.org.apache.flink.table.catalog.CatalogPropertiesUtil
            made = utility.deserializeCatalogTable(table.properties | extra)
            self._catalog.createTable(self._path(*key), made, False)
            return
        complete = FlinkTable(table.options | extra, table.columns, table.partition_keys)
        self._cluster.st_env._j_tenv.executeSql(complete.ddl(f"`{CATALOG}`.`{key[0]}`.`{key[1]}`"))

    def _properties(self, environment, database: str, table: str) -> dict[str, str]:
        catalog = self._java.org.apache.flink.table.catalog
        path = catalog.ObjectIdentifier.of(CATALOG, database, table)
        resolved = environment._j_tenv.getCatalogManager().getTable(path).get().getResolvedTable()
        if "View" in resolved.getClass().getSimpleName():
            raise CatalogError("A view of Flink cannot be kept in the Glue Data Catalog: write CREATE TEMPORARY VIEW.")
        return dict(catalog.CatalogPropertiesUtil.serializeCatalogTable(resolved))

    def _ensure_database(self, name: str) -> None:
        if not self._catalog.databaseExists(name):
            database = self._java.org.apache.flink.table.catalog.CatalogDatabaseImpl({}, "")
            self._catalog.createDatabase(name, database, True)

    def _drop(self, database: str, table: str) -> None:
        self._shown.pop((database, table), None)
        self._catalog.dropTable(self._path(database, table), True)

    def _path(self, database: str, table: str):
        return self._java.org.apache.flink.table.catalog.ObjectPath(database, table)

    @staticmethod
    def _call(operation, **arguments) -> None:
        try:
            operation(**arguments)
        except ClientError as error:
            told = error.response["Error"]
            raise CatalogError(f"{told['Code']}: {told['Message']}") from error


DROPPED_DATABASE = re.compile(r"\bDROP\s+DATABASE\s+(?:IF\s+EXISTS\s+)?`?(\w+)", re.I)
TABLE_INPUT = (
    "Name",
    "Description",
    "Owner",
    "TableType",
    "Parameters",
    "PartitionKeys",
    "StorageDescriptor",
    "Retention",
)
TABLE_NAME = re.compile(
    r"(?:\b(?:FROM|JOIN|INTO|TABLE|DESCRIBE|DESC)\s|,)\s*((?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*)", re.I
)


def tables_in(sql: str) -> set[tuple[str | None, str]]:
    """The (database or None, table) that a statement may name: what follows FROM, JOIN, INTO, TABLE, DESCRIBE or a comma."""
    plain = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.S)
    paths = ([part.strip(" `\n\t") for part in name.split(".")] for name in TABLE_NAME.findall(plain))
    return {(path[-2] if len(path) > 1 else None, path[-1]) for path in paths}


def _hive_folders(glue, database: str, table: dict) -> bool:
    """Whether the table's partitions are folders `key=value`; asked of one partition."""
    if glue is None or not table.get("PartitionKeys") or "flink.schema.0.name" in table.get("Parameters", {}):
        return True
    some = glue.get_partitions(DatabaseName=database, TableName=table["Name"], MaxResults=1)["Partitions"]
    if not some:
        return not table["PartitionKeys"][0]["Name"].startswith("partition_")
    location = some[0].get("StorageDescriptor", {}).get("Location", "")
    return f"{table['PartitionKeys'][-1]['Name']}=" in location


def _fingerprint(table: dict) -> str:
    storage = table.get("StorageDescriptor", {})
    parts = {
        "Parameters": {
            k: v for k, v in table.get("Parameters", {}).items() if not re.search(r"count|size|CRAWL|updated", k, re.I)
        },
        "Storage": {k: storage.get(k) for k in ("Columns", "Location", "Parameters", "SerdeInfo")},
        "Keys": table.get("PartitionKeys", []),
        "Type": table.get("TableType"),
    }
    return json.dumps(parts, sort_keys=True, default=str)

"""Workgroups, named queries, prepared statements and data catalogs: what Athena keeps besides executions.

Source: https://docs.aws.amazon.com/athena/latest/ug/workgroups-create-update-delete.html
"""

from __future__ import annotations

import copy
import re
import time
from datetime import datetime
from typing import Any

from moto.athena.models import AthenaBackend, DataCatalog, NamedQuery, PreparedStatement, WorkGroup, athena_backends

from infra.local.athena.api.executions import ENGINE, store
from infra.local.athena.api.refusals import InvalidRequest, ResourceNotFound
from infra.local.core import state

S3_PATH = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}")
STATEMENT_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_@:]{0,255}")
PRIMARY = "primary"
GLUE_CATALOG = "AwsDataCatalog"
MIN_CUTOFF = 10_000_000
MAX_PREPARED = 1000
_ENGINES = ("AUTO", ENGINE)
_REMOVALS = {
    "RemoveOutputLocation": "OutputLocation", "RemoveEncryptionConfiguration": "EncryptionConfiguration",
    "RemoveExpectedBucketOwner": "ExpectedBucketOwner", "RemoveAclConfiguration": "AclConfiguration",
}  # fmt: skip


def backend(account: str, region: str) -> LocalAthenaBackend:
    return athena_backends[account][region]


class LocalAthenaBackend(AthenaBackend):
    """Athena's state in one account and region. Executions are in a table of their own (executions.py)."""

    prepared_statements: dict[tuple[str, str], PreparedStatement]  # (workgroup, name)

    # --- workgroups

    def create_work_group(
        self, name: str, configuration: dict[str, Any], description: str, tags: list[dict[str, str]]
    ) -> WorkGroup:
        if not NAME.fullmatch(name):
            raise InvalidRequest(f"Value '{name}' at 'name' failed to satisfy constraint: [a-zA-Z0-9._-]{{1,128}}")
        if name in self.work_groups:
            raise InvalidRequest(f"WorkGroup {name} is already created")
        configuration = copy.deepcopy(configuration)
        configuration.setdefault("PublishCloudWatchMetricsEnabled", name != PRIMARY)
        _check(configuration)
        group = WorkGroup(self, name, configuration, description or "", tags)
        group.creation_time = time.time()
        self.work_groups[name] = group
        self.tagger.tag_resource(group.arn, tags)
        return group

    def work_group(self, name: str) -> WorkGroup:
        if name not in self.work_groups:
            raise InvalidRequest(f"WorkGroup {name} is not found.")
        return self.work_groups[name]

    def enabled_work_group(self, name: str) -> WorkGroup:
        group = self.work_group(name)
        if group.state != "ENABLED":
            raise InvalidRequest(f"WorkGroup {name} is disabled.")
        return group

    def get_work_group(self, name: str) -> dict[str, Any]:
        group = self.work_group(name)
        return {
            "Name": group.name,
            "State": group.state,
            "Configuration": group.configuration,
            "Description": group.description,
            "CreationTime": group.creation_time,
        }

    def list_work_groups(self) -> list[dict[str, Any]]:
        return [
            {
                "Name": group.name,
                "State": group.state,
                "Description": group.description,
                "CreationTime": group.creation_time,
                "EngineVersion": group.configuration["EngineVersion"],
            }
            for _, group in sorted(self.work_groups.items())
        ]

    def update_work_group(
        self, name: str, description: str | None, updates: dict[str, Any], new_state: str | None
    ) -> None:
        group = self.work_group(name)
        configuration = copy.deepcopy(group.configuration)
        changes = copy.deepcopy(updates)
        result = changes.pop("ResultConfigurationUpdates", {})
        merged = {**(configuration.get("ResultConfiguration") or {})}
        for flag, key in _REMOVALS.items():
            if result.pop(flag, False):
                merged.pop(key, None)
        configuration["ResultConfiguration"] = {**merged, **result}
        if changes.pop("RemoveBytesScannedCutoffPerQuery", False):
            configuration.pop("BytesScannedCutoffPerQuery", None)
        changes.pop("RemoveCustomerContentEncryptionConfiguration", False)
        configuration.update(changes)
        _check(configuration)
        if new_state is not None and new_state not in ("ENABLED", "DISABLED"):
            raise InvalidRequest(f"Value '{new_state}' at 'state' failed to satisfy constraint: [ENABLED, DISABLED]")
        group.configuration = configuration
        if description is not None:
            group.description = description
        if new_state is not None:
            group.state = new_state

    def delete_work_group(self, name: str, recursive: bool = False) -> None:
        """Delete a workgroup. With `recursive` its named queries, prepared statements and query history go too."""
        group = self.work_group(name)
        if name == PRIMARY:
            raise InvalidRequest("The primary workgroup cannot be deleted.")
        named = [q.id for q in self.named_queries.values() if q.workgroup.name == name]
        prepared = [key for key in self.prepared_statements if key[0] == name]
        executions = store(self.account_id, self.region_name)
        if (named or prepared or executions.count(name)) and not recursive:
            raise InvalidRequest(f"WorkGroup {name} is not empty")
        for identifier in named:
            del self.named_queries[identifier]
        for key in prepared:
            del self.prepared_statements[key]
        state.afterwards(lambda: executions.delete_workgroup(name))
        self.tagger.delete_all_tags_for_resource(group.arn)
        del self.work_groups[name]

    # --- named queries

    def create_named_query(self, name: str, description: str, database: str, query_string: str, workgroup: str) -> str:
        query = NamedQuery(name, description or "", database, query_string, self.work_group(workgroup or PRIMARY))
        self.named_queries[query.id] = query
        return query.id

    def get_named_query(self, query_id: str) -> NamedQuery:
        if query_id not in self.named_queries:
            raise InvalidRequest(f"NamedQuery {query_id} does not exist")
        return self.named_queries[query_id]

    def update_named_query(self, query_id: str, name: str, description: str | None, query_string: str) -> None:
        query = self.get_named_query(query_id)
        query.name, query.query_string = name, query_string
        query.description = description if description is not None else query.description

    def delete_named_query(self, query_id: str) -> None:
        self.get_named_query(query_id)
        del self.named_queries[query_id]

    # --- prepared statements

    def create_prepared_statement(
        self, statement_name: str, workgroup: str, query_statement: str, description: str
    ) -> None:
        if not STATEMENT_NAME.fullmatch(statement_name):
            raise InvalidRequest(f"Value '{statement_name}' at 'statementName' failed to satisfy constraint: a name")
        self.work_group(workgroup)
        key = (workgroup, statement_name)
        if key in self.prepared_statements:
            raise InvalidRequest(f"PreparedStatement {statement_name} already exists in workGroup {workgroup}")
        if sum(group == workgroup for group, _ in self.prepared_statements) >= MAX_PREPARED:
            raise InvalidRequest(
                f"The number of prepared statements in workGroup {workgroup} is limited to {MAX_PREPARED}"
            )
        self.prepared_statements[key] = PreparedStatement(statement_name, workgroup, query_statement, description or "")

    def get_prepared_statement(self, statement_name: str, work_group: str) -> PreparedStatement:
        self.work_group(work_group)
        found = self.prepared_statements.get((work_group, statement_name))
        if found is None:
            raise ResourceNotFound(f"PreparedStatement {statement_name} was not found in workGroup {work_group}")
        return found

    def update_prepared_statement(
        self, statement_name: str, work_group: str, query_statement: str, description: str | None
    ) -> None:
        found = self.get_prepared_statement(statement_name, work_group)
        found.query_statement, found.last_modified_time = query_statement, datetime.now()
        found.description = description if description is not None else found.description

    def delete_prepared_statement(self, statement_name: str, work_group: str) -> None:
        self.get_prepared_statement(statement_name, work_group)
        del self.prepared_statements[work_group, statement_name]

    def save_prepared_statement(self, work_group: str, name: str, text: str) -> None:
        """PREPARE: make or replace a statement, on disk before the query succeeds."""
        with state.lock("athena", self.account_id):
            self.prepared_statements[work_group, name] = PreparedStatement(name, work_group, text, "")
        state.save("athena", self.account_id, self.region_name)

    def drop_prepared_statement(self, work_group: str, name: str) -> None:
        """DEALLOCATE PREPARE. Raises QueryError for an unknown name."""
        from infra.engines.athena.errors import QueryError

        with state.lock("athena", self.account_id):
            if self.prepared_statements.pop((work_group, name), None) is None:
                raise QueryError("NOT_FOUND", f"Prepared statement not found: {name}")
        state.save("athena", self.account_id, self.region_name)

    # --- data catalogs

    def create_data_catalog(
        self, name: str, catalog_type: str, description: str, parameters: Any, tags: list[dict[str, str]]
    ) -> DataCatalog:
        if name in self.data_catalogs or name.lower() == GLUE_CATALOG.lower():
            raise InvalidRequest(f"DataCatalog {name} has already been created")
        if catalog_type != "GLUE":
            raise InvalidRequest(f"The local AWS has data catalogs of the type GLUE only, not {catalog_type}.")
        catalog = DataCatalog(self, name, catalog_type, description or "", parameters or {}, tags or [])
        self.data_catalogs[name] = catalog
        self.tagger.tag_resource(catalog.arn, tags or [])
        return catalog

    def get_data_catalog(self, name: str) -> dict[str, Any]:
        if name.lower() == GLUE_CATALOG.lower():
            return {"Name": GLUE_CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": self.account_id}}
        if name not in self.data_catalogs:
            raise InvalidRequest(f"DataCatalog {name} was not found")
        found = self.data_catalogs[name]
        return {
            "Name": found.name,
            "Description": found.description,
            "Type": found.type,
            "Parameters": found.parameters,
        }

    def update_data_catalog(self, name: str, catalog_type: str, description: str | None, parameters: Any) -> None:
        self.get_data_catalog(name)
        if name not in self.data_catalogs or catalog_type != "GLUE":
            raise InvalidRequest(f"DataCatalog {name} cannot be updated to the type {catalog_type}")
        found = self.data_catalogs[name]
        found.description = description if description is not None else found.description
        found.parameters = parameters if parameters is not None else found.parameters

    def delete_data_catalog(self, name: str) -> None:
        self.get_data_catalog(name)
        if name not in self.data_catalogs:
            raise InvalidRequest(f"DataCatalog {name} cannot be deleted")
        self.tagger.delete_all_tags_for_resource(self.data_catalogs.pop(name).arn)

    def list_data_catalogs(self) -> list[dict[str, str]]:
        own = [{"CatalogName": c.name, "Type": c.type} for _, c in sorted(self.data_catalogs.items())]
        return [{"CatalogName": GLUE_CATALOG, "Type": "GLUE"}, *own]


def _check(configuration: dict[str, Any]) -> None:
    """Fill in the engine version and refuse a configuration that Athena or the local AWS does not have."""
    location = (configuration.get("ResultConfiguration") or {}).get("OutputLocation")
    if location and not S3_PATH.fullmatch(location):
        raise InvalidRequest("outputLocation is not a valid S3 path.")
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < MIN_CUTOFF:
        raise InvalidRequest(f"BytesScannedCutoffPerQuery must be at least {MIN_CUTOFF}")
    if (configuration.get("ManagedQueryResultsConfiguration") or {}).get("Enabled"):
        if location:
            raise InvalidRequest("Managed query results and an output location cannot be used together.")
    selected = (configuration.get("EngineVersion") or {}).get("SelectedEngineVersion", "AUTO")
    if selected not in _ENGINES:
        raise InvalidRequest(f"Engine version '{selected}' is not part of the local AWS; choose '{ENGINE}'.")
    configuration["EngineVersion"] = {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE}


athena_backends.backend = LocalAthenaBackend

"""Athena's API operations: requests in, answers out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

from infra.local.athena.api.executions import ENGINE, store
from infra.local.athena.api.refusals import InvalidRequest, ResourceNotFound
from infra.local.athena.api.workgroups import PRIMARY, LocalAthenaBackend
from infra.local.athena.lake.catalog import GlueCatalog
from infra.local.athena.statements import answers, service
from infra.local.core import roles

BATCH = 50


def _page(items: list[Any], token: str | None, limit: int | None, default: int = BATCH) -> tuple[list[Any], str | None]:
    """A page of a list and the next token."""
    try:
        start = int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except ValueError:
        raise InvalidRequest(f"Malformed nextPageToken {token}") from None
    end = start + (limit or default)
    return items[start:end], base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None


class LocalAthenaResponse(AthenaResponse):
    """The operations of moto's class that are made real or that it lacks."""

    @property
    def athena_backend(self) -> LocalAthenaBackend:
        return super().athena_backend

    @property
    def asked(self) -> dict[str, Any]:
        return {key: value for key, value in json.loads(self.body or "{}").items() if value is not None}

    def listed(self, name: str, items: list[Any], default: int = BATCH) -> str:
        page, token = _page(items, self.asked.get("NextToken"), self.asked.get("MaxResults"), default)
        return json.dumps({name: page, **({"NextToken": token} if token else {})})

    def batch(self, identifiers: list[str], one: Callable[[str], Any], found: str, missing: str, key: str) -> str:
        if len(identifiers) > BATCH:
            raise InvalidRequest(f"At most {BATCH} ids may be asked for in one call")
        answers, failures = [], []
        for identifier in identifiers:
            try:
                answers.append(one(identifier))
            except InvalidRequest as error:
                code = json.loads(error.description)["AthenaErrorCode"]
                failures.append({key: identifier, "ErrorCode": code, "ErrorMessage": error.message})
        return json.dumps({found: answers, missing: failures})

    # --- executions

    def start_query_execution(self) -> str:
        key = self.get_access_key()
        with roles.acting_as(key):
            return json.dumps({"QueryExecutionId": service.start(self.athena_backend, self.asked, key)})

    def stop_query_execution(self) -> str:
        service.stop_execution(self.athena_backend, self.asked["QueryExecutionId"])
        return "{}"

    def get_query_execution(self) -> str:
        execution = answers.find(self.athena_backend, self.asked["QueryExecutionId"])
        return json.dumps({"QueryExecution": execution.as_dict()})

    def batch_get_query_execution(self) -> str:
        return self.batch(
            self.asked["QueryExecutionIds"], lambda i: answers.find(self.athena_backend, i).as_dict(),
            "QueryExecutions", "UnprocessedQueryExecutionIds", "QueryExecutionId",
        )  # fmt: skip

    def list_query_executions(self) -> str:
        group = self.asked.get("WorkGroup") or PRIMARY
        self.athena_backend.work_group(group)
        token, limit = self.asked.get("NextToken"), self.asked.get("MaxResults") or BATCH
        try:
            before = int(base64.urlsafe_b64decode(token.encode())) if token else None
        except ValueError:
            raise InvalidRequest(f"Malformed nextPageToken {token}") from None
        found = store(self.current_account, self.region).listed(group, before, limit + 1)
        answer: dict[str, Any] = {"QueryExecutionIds": [identifier for _, identifier in found[:limit]]}
        if len(found) > limit:
            answer["NextToken"] = base64.urlsafe_b64encode(str(found[limit - 1][0]).encode()).decode()
        return json.dumps(answer)

    def get_query_results(self) -> str:
        return json.dumps(answers.results(self.athena_backend, self.asked))

    def get_query_runtime_statistics(self) -> str:
        execution = answers.find(self.athena_backend, self.asked["QueryExecutionId"])
        keys = (
            "QueryQueueTimeInMillis", "QueryPlanningTimeInMillis", "EngineExecutionTimeInMillis",
            "ServiceProcessingTimeInMillis", "TotalExecutionTimeInMillis", "ServicePreProcessingTimeInMillis",
        )  # fmt: skip
        statistics = execution.statistics()
        rows = execution.update_count if execution.manifest else execution.rows
        answer = {
            "Timeline": {key: statistics[key] for key in keys},
            "Rows": {"InputBytes": execution.scanned, "OutputBytes": execution.output_bytes, "OutputRows": rows},
        }
        return json.dumps({"QueryRuntimeStatistics": answer})

    # --- workgroups

    def create_work_group(self) -> str:
        asked = self.asked
        self.athena_backend.create_work_group(
            asked["Name"], asked.get("Configuration") or {}, asked.get("Description") or "", asked.get("Tags") or []
        )
        return "{}"

    def list_work_groups(self) -> str:
        return self.listed("WorkGroups", self.athena_backend.list_work_groups())

    def update_work_group(self) -> str:
        asked = self.asked
        self.athena_backend.update_work_group(
            asked["WorkGroup"], asked.get("Description"), asked.get("ConfigurationUpdates") or {}, asked.get("State")
        )
        return "{}"

    def delete_work_group(self) -> str:
        self.athena_backend.delete_work_group(self.asked["WorkGroup"], bool(self.asked.get("RecursiveDeleteOption")))
        return "{}"

    def list_engine_versions(self) -> str:
        versions = ("AUTO", ENGINE)
        return self.listed(
            "EngineVersions", [{"SelectedEngineVersion": v, "EffectiveEngineVersion": ENGINE} for v in versions]
        )

    # --- tags

    def list_tags_for_resource(self) -> str:
        arn = self.asked["ResourceARN"]
        backend = self.athena_backend
        known = [
            *backend.work_groups.values(),
            *backend.data_catalogs.values(),
            *backend.capacity_reservations.values(),
        ]
        if arn not in [each.arn for each in known]:
            raise ResourceNotFound(f"Resource {arn} was not found")
        tags = backend.tagger.get_tag_dict_for_resource(arn)
        return self.listed("Tags", [{"Key": key, "Value": value} for key, value in sorted(tags.items())], 75)

    # --- named queries

    def _named(self, identifier: str) -> dict[str, Any]:
        query = self.athena_backend.get_named_query(identifier)
        return {
            "NamedQueryId": query.id, "Name": query.name, "Description": query.description, "Database": query.database,
            "QueryString": query.query_string, "WorkGroup": query.workgroup.name,
        }  # fmt: skip

    def create_named_query(self) -> str:
        asked = self.asked
        identifier = self.athena_backend.create_named_query(
            asked["Name"], asked.get("Description") or "", asked["Database"], asked["QueryString"],
            asked.get("WorkGroup") or PRIMARY,
        )  # fmt: skip
        return json.dumps({"NamedQueryId": identifier})

    def get_named_query(self) -> str:
        return json.dumps({"NamedQuery": self._named(self.asked["NamedQueryId"])})

    def batch_get_named_query(self) -> str:
        return self.batch(
            self.asked["NamedQueryIds"], self._named, "NamedQueries", "UnprocessedNamedQueryIds", "NamedQueryId"
        )

    def list_named_queries(self) -> str:
        group = self.asked.get("WorkGroup") or PRIMARY
        self.athena_backend.work_group(group)
        queries = self.athena_backend.named_queries.values()
        return self.listed("NamedQueryIds", [q.id for q in queries if q.workgroup.name == group])

    def update_named_query(self) -> str:
        asked = self.asked
        self.athena_backend.update_named_query(
            asked["NamedQueryId"], asked["Name"], asked.get("Description"), asked["QueryString"]
        )
        return "{}"

    def delete_named_query(self) -> str:
        self.athena_backend.delete_named_query(self.asked["NamedQueryId"])
        return "{}"

    # --- prepared statements

    def _prepared(self, name: str) -> dict[str, Any]:
        found = self.athena_backend.get_prepared_statement(name, self.asked["WorkGroup"])
        return {
            "StatementName": found.statement_name, "QueryStatement": found.query_statement,
            "WorkGroupName": found.workgroup, "Description": found.description,
            "LastModifiedTime": found.last_modified_time.timestamp(),
        }  # fmt: skip

    def create_prepared_statement(self) -> str:
        asked = self.asked
        self.athena_backend.create_prepared_statement(
            asked["StatementName"], asked["WorkGroup"], asked["QueryStatement"], asked.get("Description") or ""
        )
        return "{}"

    def get_prepared_statement(self) -> str:
        return json.dumps({"PreparedStatement": self._prepared(self.asked["StatementName"])})

    def batch_get_prepared_statement(self) -> str:
        return self.batch(
            self.asked["PreparedStatementNames"], self._prepared, "PreparedStatements",
            "UnprocessedPreparedStatementNames", "StatementName",
        )  # fmt: skip

    def list_prepared_statements(self) -> str:
        group = self.asked["WorkGroup"]
        self.athena_backend.work_group(group)
        found = [p for (g, _), p in sorted(self.athena_backend.prepared_statements.items()) if g == group]
        return self.listed(
            "PreparedStatements",
            [{"StatementName": p.statement_name, "LastModifiedTime": p.last_modified_time.timestamp()} for p in found],
        )

    def update_prepared_statement(self) -> str:
        asked = self.asked
        self.athena_backend.update_prepared_statement(
            asked["StatementName"], asked["WorkGroup"], asked["QueryStatement"], asked.get("Description")
        )
        return "{}"

    def delete_prepared_statement(self) -> str:
        self.athena_backend.delete_prepared_statement(self.asked["StatementName"], self.asked["WorkGroup"])
        return "{}"

    # --- data catalogs

    def create_data_catalog(self) -> str:
        asked = self.asked
        self.athena_backend.create_data_catalog(
            asked["Name"],
            asked["Type"],
            asked.get("Description") or "",
            asked.get("Parameters"),
            asked.get("Tags") or [],
        )
        return json.dumps({"DataCatalog": self.athena_backend.get_data_catalog(asked["Name"])})

    def update_data_catalog(self) -> str:
        asked = self.asked
        self.athena_backend.update_data_catalog(
            asked["Name"], asked["Type"], asked.get("Description"), asked.get("Parameters")
        )
        return "{}"

    def delete_data_catalog(self) -> str:
        self.athena_backend.delete_data_catalog(self.asked["Name"])
        return "{}"

    def list_data_catalogs(self) -> str:
        return self.listed("DataCatalogsSummary", self.athena_backend.list_data_catalogs())

    def _catalog(self) -> GlueCatalog:
        self.athena_backend.get_data_catalog(self.asked["CatalogName"])
        return GlueCatalog(self.current_account, self.region)

    def get_database(self) -> str:
        name = self.asked["DatabaseName"]
        found = next((d for d in self._catalog().databases() if d["Name"] == name.lower()), None)
        if found is None:
            raise _metadata_error("Database", name)
        return json.dumps({"Database": _database(found)})

    def list_databases(self) -> str:
        return self.listed("DatabaseList", [_database(d) for d in self._catalog().databases()])

    def get_table_metadata(self) -> str:
        database, name = self.asked["DatabaseName"], self.asked["TableName"]
        found = self._catalog().table(database.lower(), name.lower())
        if found is None:
            raise _metadata_error("Table", name)
        return json.dumps({"TableMetadata": _table(found)})

    def list_table_metadata(self) -> str:
        import re

        database, expression = self.asked["DatabaseName"], self.asked.get("Expression")
        catalog = self._catalog()
        if not catalog.database_exists(database.lower()):
            raise _metadata_error("Database", database)
        found = catalog.tables(database.lower())
        if expression:
            compiled = re.compile(expression.replace(".*", "*").replace("*", ".*"), re.IGNORECASE)
            found = [t for t in found if compiled.fullmatch(t["Name"])]
        return self.listed("TableMetadataList", [_table(t) for t in found])


def _metadata_error(what: str, name: str) -> JsonRESTError:
    error = JsonRESTError("MetadataException", f"Entity Not Found: {what} {name} not found.")
    error.code = 400
    return error


def _database(found: dict[str, Any]) -> dict[str, Any]:
    answer = {"Name": found["Name"], "Parameters": found.get("Parameters") or {}}
    return {**answer, "Description": found["Description"]} if found.get("Description") else answer


def _table(found: dict[str, Any]) -> dict[str, Any]:
    descriptor = found.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    parameters = {
        **(found.get("Parameters") or {}),
        **{f"serde.param.{key}": value for key, value in (serde.get("Parameters") or {}).items()},
        "location": descriptor.get("Location") or "",
        "inputformat": descriptor.get("InputFormat") or "",
        "outputformat": descriptor.get("OutputFormat") or "",
        "serde.serialization.lib": serde.get("SerializationLibrary") or "",
    }
    answer = {
        "Name": found["Name"],
        "TableType": found.get("TableType") or "",
        "Columns": [_column(c) for c in descriptor.get("Columns") or []],
        "PartitionKeys": [_column(c) for c in found.get("PartitionKeys") or []],
        "Parameters": {key: str(value) for key, value in parameters.items()},
    }
    created = found.get("CreateTime")
    return {**answer, "CreateTime": created.timestamp()} if created is not None else answer


def _column(column: dict[str, Any]) -> dict[str, Any]:
    keys = (("Name", "Name"), ("Type", "Type"), ("Comment", "Comment"))
    return {to: column[own] for own, to in keys if column.get(own)}

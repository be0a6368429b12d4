"""Glue interactive sessions: requests and answers."""

from __future__ import annotations

import json

from moto.core.responses import ActionResult

from infra.local.glue.catalog.api import CatalogResponse, page
from infra.local.glue.sessions.record import UNFINISHED
from infra.local.glue.sessions.running import wait_while

PAGE = 100  # statements or sessions in one answer


class SessionsResponse(CatalogResponse):
    def create_session(self) -> ActionResult:
        return ActionResult({"Session": self.glue_backend.create_session(**self.given()).as_dict()})

    def get_session(self) -> ActionResult:
        session = self.glue_backend.get_session(self.parameters["Id"])
        wait_while(lambda: session.status == "PROVISIONING")
        return ActionResult({"Session": session.as_dict()})

    def list_sessions(self) -> ActionResult:
        given = self.given()
        wanted = given.get("Tags", {}).items()
        backend = self.glue_backend
        found = [each for each in backend.sessions.values() if wanted <= backend.get_tags(each.arn).items()]
        part, token = page(found, given.get("NextToken"), given.get("MaxResults", PAGE))
        answer = {"Ids": [session.session_id for session in part], "Sessions": [session.as_dict() for session in part]}
        return ActionResult(answer | ({"NextToken": token} if token else {}))

    def run_statement(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Id": self.glue_backend.run_statement(given["SessionId"], given["Code"])})

    def get_statement(self) -> str:
        backend, session_id, number = self.glue_backend, self.parameters["SessionId"], self.parameters["Id"]
        statement = backend.statement(session_id, number)
        wait_while(lambda: statement.state in UNFINISHED)
        return json.dumps({"Statement": backend.statement(session_id, number).as_dict()})

    def list_statements(self) -> str:
        statements = list(self.glue_backend.statements(self.parameters["SessionId"]).values())
        part, token = page(statements, self.parameters.get("NextToken"), PAGE)
        answer = {"Statements": [statement.as_dict() for statement in part]}
        return json.dumps(answer | ({"NextToken": token} if token else {}))

    def cancel_statement(self) -> ActionResult:
        self.glue_backend.cancel_statement(self.parameters["SessionId"], self.parameters["Id"])
        return ActionResult({})

"""One fault of a definition.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

from typing import NamedTuple

SCHEMA = "SCHEMA_VALIDATION_FAILED"


class Diagnostic(NamedTuple):
    """One fault of a definition, or one warning."""

    message: str
    location: str = ""
    code: str = SCHEMA
    severity: str = "ERROR"

    def text(self) -> str:
        """Return the words of CreateStateMachine's InvalidDefinition."""
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")

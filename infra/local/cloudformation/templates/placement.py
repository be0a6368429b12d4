"""Which functions a template may use where.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html, "Supported functions" of each
function's page; conditions-section-structure.html; transform-aws-languageextensions.html.
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import function_of, references

EXTENSIONS = "AWS::LanguageExtensions"
BOOLEAN = {"Fn::And", "Fn::Equals", "Fn::If", "Fn::Not", "Fn::Or"}
VALUES = {
    "Ref",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
}
EXTENDED = {"Fn::Length", "Fn::ToJsonString"}  # with the transform AWS::LanguageExtensions
IN_CONDITIONS = BOOLEAN | {"Ref", "Fn::FindInMap", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub"}
IN_MAP_NAMES = {"Fn::FindInMap", "Ref"}
IN_MAP_NAMES_EXTENDED = IN_MAP_NAMES | {
    "Fn::If",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
}
IN_INDEXES = {"Ref", "Fn::FindInMap", "Fn::If", "Fn::Length", "Fn::Select"}
MAP = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
IMPORT = (
    "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
)


class Placement:
    """Checks the functions of a template.

    Parameters
    ----------
    is_extended: the template asks for the transform AWS::LanguageExtensions
    resources: the logical ids of its resources
    """

    def __init__(self, is_extended: bool, resources: Any):
        self._is_extended = is_extended
        self._resources = resources
        self._known = VALUES | BOOLEAN | (EXTENDED if is_extended else set())

    def check(self, value: Any) -> None:
        """Check the values of resources and outputs. Raises TemplateError."""
        self._walk(value, self._known - (BOOLEAN - {"Fn::If"}), "")

    def check_conditions(self, value: Any) -> None:
        """Check the section Conditions. Raises TemplateError."""
        allowed = IN_CONDITIONS | (EXTENDED if self._is_extended else set())
        self._walk(value, allowed, "Template error: Cannot use {} in Conditions.")

    def _walk(self, value: Any, allowed: set[str], message: str) -> None:
        name = function_of(value)
        if name is None:
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                self._walk(item, allowed, message)
            return
        if name not in self._known:
            names = ", ".join(sorted(self._known - {"Ref"}))
            raise TemplateError(
                f"Template error: Encountered unsupported function: {name} Supported functions are: [{names}]"
            )
        if name not in allowed:
            raise TemplateError(
                message.format(name)
                or f"Template error: The function {name} is not allowed in this place of the template."
            )
        self._argument(name, value[name])
        self._walk(value[name], allowed, message)

    def _argument(self, name: str, given: Any) -> None:
        """Check what a function of a template takes where it does not take every other."""
        if (
            name in ("Fn::Join", "Fn::Split")
            and isinstance(given, list)
            and len(given) == 2
            and not isinstance(given[0], str)
        ):
            raise TemplateError(f"Template error: {name} takes a string as its delimiter, and no function.")
        if name == "Fn::FindInMap" and isinstance(given, list):
            extended = IN_MAP_NAMES_EXTENDED if self._is_extended else IN_MAP_NAMES
            if any((function_of(item) or "Ref") not in extended for item in given[:3]):
                raise TemplateError(MAP)
        if (
            name == "Fn::Select"
            and isinstance(given, list)
            and given
            and (function_of(given[0]) or "Ref") not in IN_INDEXES
        ):
            raise TemplateError(
                "Template error: every Fn::Select object requires two non-null parameters, the index and the array."
            )
        if name == "Fn::ImportValue" and self._depends_on_resources(given):
            raise TemplateError(IMPORT)

    def _depends_on_resources(self, value: Any) -> bool:
        if any(attribute is not None or target in self._resources for target, attribute in references(value)):
            return True
        return function_of(value) in ("Fn::GetAZs", "Fn::ImportValue") or any(
            self._depends_on_resources(item)
            for item in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        )

"""What the functions of a template give.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.cloudformation.templates import functions
from infra.local.cloudformation.templates.parameters import kind_of, listed
from infra.local.cloudformation.templates.placement import BOOLEAN, MAP
from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import SUB_VARIABLE, UNKNOWN, function_of, references, text
from infra.local.cloudformation.templates.template import Template

Lookup = Callable[[str, str | None], Any]


class _NoValue:
    """What `AWS::NoValue` gives: the property that holds it is left out."""


class Evaluation:
    """What the functions of a template give, with parameter values and the resources so far.

    Parameters
    ----------
    parameters: name → text, as `parameter_values` gives them
    pseudo: `AWS::Region` … → value
    lookup: (logical id, attribute or None) → value; None asks for what Ref gives
    import_value: export name → value; raises TemplateError
    """

    def __init__(
        self,
        template: Template,
        parameters: dict[str, str],
        pseudo: dict[str, Any],
        lookup: Lookup,
        import_value: Callable[[str], Any],
    ):
        self.template = template
        self._parameters = parameters
        self._pseudo = pseudo
        self._lookup = lookup
        self._import_value = import_value
        self._conditions: dict[str, bool] = {}

    def active(self) -> list[str]:
        """Return the resources whose condition holds, in the order of creation. Raises TemplateError."""
        active = [name for name in self.template.order if self._holds(self.template.resources[name])]
        for block, content in (("Resources", self.template.resources), ("Outputs", self.template.outputs)):
            used = [
                target
                for name, owner in content.items()
                if (name in active if block == "Resources" else self._holds(owner))
                for target, _ in self._live_references(owner)
                if target in self.template.resources and target not in active
            ]
            if used:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{', '.join(dict.fromkeys(used))}] "
                    f"in the {block} block of the template"
                )
        return active

    def _holds(self, owner: dict[str, Any]) -> bool:
        return "Condition" not in owner or self.condition(owner["Condition"])

    def _live_references(self, value: Any) -> Iterator[tuple[str, str | None]]:
        """As `references`, without the branches of Fn::If that are not taken."""
        if function_of(value) == "Fn::If" and isinstance(value["Fn::If"], list) and len(value["Fn::If"]) == 3:
            name, yes, no = value["Fn::If"]
            yield from self._live_references(yes if self.condition(name) else no)
        elif function_of(value):
            yield from (
                references(value) if not self._contains_if(value) else self._live_references(list(value.values()))
            )
        elif isinstance(value, dict):
            for item in value.values():
                yield from self._live_references(item)
        elif isinstance(value, list):
            for item in value:
                yield from self._live_references(item)

    def _contains_if(self, value: Any) -> bool:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return function_of(value) == "Fn::If" or any(self._contains_if(item) for item in items)

    def condition(self, name: str) -> bool:
        """Return whether a condition of the template holds. Raises TemplateError."""
        if not isinstance(name, str):
            raise TemplateError(
                "Template error: Fn::If requires a list argument with the first element being a condition"
            )
        if name not in self._conditions:
            if name not in self.template.conditions:
                raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
            self._conditions[name] = self._truth(self.template.conditions[name])
        return self._conditions[name]

    def _truth(self, value: Any) -> bool:
        if isinstance(value, dict) and set(value) == {"Condition"}:
            return self.condition(value["Condition"])
        name = function_of(value)
        if name == "Fn::Equals":
            sides = [self.resolve(side) for side in self._arguments(name, value[name], 2)]
            if any(isinstance(side, (dict, list)) or side is None for side in sides):
                raise TemplateError("Template error: every Fn::Equals object requires a list of 2 string parameters.")
            return text(sides[0]) == text(sides[1])
        if name == "Fn::Not":
            return not self._truth(self._arguments(name, value[name], 1)[0])
        if name in ("Fn::And", "Fn::Or"):
            if not isinstance(value[name], list) or not 2 <= len(value[name]) <= 10:
                raise TemplateError(
                    f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
                )
            return (all if name == "Fn::And" else any)(self._truth(item) for item in value[name])
        if name == "Fn::If":
            chosen, yes, no = self._arguments(name, value[name], 3)
            return self._truth(yes if self.condition(chosen) else no)
        raise TemplateError(
            "Template format error: Conditions can only be boolean operations on parameters and other conditions"
        )

    @staticmethod
    def _arguments(name: str, value: Any, count: int) -> list[Any]:
        if not isinstance(value, list) or len(value) != count:
            words = {1: "one parameter", 2: "two string parameters", 3: "three parameters"}
            raise TemplateError(f"Template error: {name} requires a list argument with {words[count]}")
        return value

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return a resource's properties with all functions replaced. Raises TemplateError."""
        return self.resolve(self.template.resources[logical_id].get("Properties", {}))

    def outputs(self) -> dict[str, dict[str, Any]]:
        """Return name → {Value, Description, Export} of the outputs whose condition holds. Raises TemplateError."""
        found = {}
        for name, output in self.template.outputs.items():
            if not self._holds(output):
                continue
            value = self.resolve(output["Value"])
            if isinstance(value, (dict, list)):
                raise TemplateError(
                    f"Template format error: The Value field of every Outputs member must evaluate to a String. ({name})"
                )
            export = self.resolve(output.get("Export", {}))
            found[name] = {
                "Value": text(value),
                "Description": output.get("Description"),
                "Export": export.get("Name"),
            }
        return found

    def resolve(self, value: Any) -> Any:
        """Return a template value with all functions replaced; what gives AWS::NoValue is left out."""
        result = self._resolve(value)
        return None if result is _NoValue else result

    def _resolve(self, value: Any) -> Any:
        name = function_of(value)
        if name in BOOLEAN and name != "Fn::If":
            raise TemplateError(f"Template error: {name} gives no value: it may only stand among conditions.")
        if name is not None:
            return getattr(self, f"_{name.removeprefix('Fn::').lower()}")(value[name])
        if isinstance(value, dict):
            resolved = {key: self._resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not _NoValue}
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not _NoValue]
        return value

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise TemplateError("Template error: Every Ref object must have a single String value.")
        if name == "AWS::NoValue":
            return _NoValue
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            value = self._parameters[name]
            return listed(value) if kind_of(self.template.parameters[name]["Type"]).is_list else value
        if name not in self.template.resources:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            )
        return self._lookup(name, None)

    def _getatt(self, value: Any) -> Any:
        target = value.split(".", 1) if isinstance(value, str) else value
        if not isinstance(target, list) or len(target) != 2:
            raise TemplateError(
                "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
            )
        return self._lookup(target[0], text(self._resolve(target[1])))

    def _sub(self, value: Any) -> str:
        words, own = value if isinstance(value, list) and len(value) == 2 else (value, {})
        if not isinstance(words, str) or not isinstance(own, dict):
            raise TemplateError(
                "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
                "as first argument, and an optional second argument to specify a mapping of values to replace in the string"
            )

        def replacement(match: re.Match[str]) -> str:
            variable = match[1].strip()
            if variable in own:
                result = self._resolve(own[variable])
            elif "." in variable:
                result = self._getatt(variable)
            else:
                result = self._ref(variable)
            if isinstance(result, (dict, list)) or result is _NoValue:
                raise TemplateError(
                    f"Template error: variable {variable} in Fn::Sub expression does not resolve to a string"
                )
            return text(result)

        return SUB_VARIABLE.sub(replacement, words).replace("${!", "${")

    def _join(self, value: Any) -> str:
        parts = self._resolve(value[1]) if isinstance(value, list) and len(value) == 2 else None
        if isinstance(parts, str) and UNKNOWN in parts:
            return UNKNOWN
        if (
            not isinstance(parts, list)
            or not isinstance(value[0], str)
            or any(isinstance(p, (dict, list)) for p in parts)
        ):
            raise TemplateError(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
                "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
            )
        return value[0].join(text(part) for part in parts)

    def _split(self, value: Any) -> Any:
        whole = self._resolve(value[1]) if isinstance(value, list) and len(value) == 2 else None
        if not isinstance(whole, str) or not isinstance(value[0], str) or not value[0]:
            raise TemplateError(
                "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to "
                "be split or a function that returns a string to be split."
            )
        return UNKNOWN if UNKNOWN in whole else whole.split(value[0])

    def _select(self, value: Any) -> Any:
        index = self._resolve(value[0]) if isinstance(value, list) and len(value) == 2 else None
        items = self._resolve(value[1]) if index is not None else None
        if isinstance(items, str) and UNKNOWN in items:
            return UNKNOWN
        if not isinstance(items, list) or not str(index).isdigit():
            raise TemplateError(
                "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
            )
        if int(str(index)) >= len(items):
            raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[int(str(index))]

    def _if(self, value: Any) -> Any:
        name, yes, no = self._arguments("Fn::If", value, 3)
        return self._resolve(yes if self.condition(name) else no)

    def _findinmap(self, value: Any) -> Any:
        has_default = self.template.is_extended and isinstance(value, list) and len(value) == 4
        if not isinstance(value, list) or len(value) != 3 + has_default:
            raise TemplateError(MAP)
        names = [text(self._resolve(item)) for item in value[:3]]
        found: Any = self.template.mappings
        for name in names:
            if not isinstance(found, dict) or name not in found:
                if has_default and isinstance(value[3], dict) and "DefaultValue" in value[3]:
                    return self._resolve(value[3]["DefaultValue"])
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(names)}")
            found = found[name]
        return found

    def _importvalue(self, value: Any) -> Any:
        return self._import_value(text(self._resolve(value)))

    def _base64(self, value: Any) -> str:
        plain = self._resolve(value)
        if isinstance(plain, (dict, list)):
            raise TemplateError("Template error: every Fn::Base64 object must have a String-typed value.")
        return UNKNOWN if UNKNOWN in text(plain) else base64.b64encode(text(plain).encode()).decode()

    def _cidr(self, value: Any) -> Any:
        given = [self._resolve(item) for item in value] if isinstance(value, list) else []
        if UNKNOWN in json.dumps(given, default=str):
            return UNKNOWN
        if len(given) not in (2, 3):
            given = [None, None, None]
        return functions.cidr(given[0], given[1], given[2] if len(given) == 3 else None)

    def _getazs(self, value: Any) -> list[str]:
        return functions.zones(text(self._resolve(value)) or self._pseudo["AWS::Region"])

    def _length(self, value: Any) -> Any:
        items = self._resolve(value)
        if isinstance(items, str) and UNKNOWN in items:
            return UNKNOWN
        if not isinstance(items, list):
            raise TemplateError("Template error: every Fn::Length object must have a list.")
        return len(items)

    def _tojsonstring(self, value: Any) -> str:
        return functions.json_text(self._resolve(value))

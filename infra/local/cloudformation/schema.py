"""AWS's own resource schemas, as cfn-lint bundles them: which properties a resource type has, and which changes replace it.

The JSON files are read one by one when their type is used; cfn-lint itself (100 MB when imported) is not.
Source: https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

REGION = "us-east-1"  # the schemas of all regions are the same for the types that are used here
ALL_PROPERTIES_READABLE = {
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
}  # Fn::GetAtt reads what was set, too
CUSTOM = "AWS::CloudFormation::CustomResource"
JSON_TYPES = {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean", int: "Integer", float: "Double"}
KEYWORD_TYPES = {
    "object": "JSONObject",
    "array": "JSONArray",
    "string": "String",
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
}


def is_custom(resource_type: str) -> bool:
    """Return whether a type is made by somebody else's function, who knows its properties."""
    return resource_type.startswith("Custom::")


@lru_cache(maxsize=1)
def _folder() -> Path:
    package = importlib.util.find_spec("cfnlint")
    if package is None or package.origin is None:
        raise RuntimeError("cfn-lint is not installed: run the set-up again.")
    return Path(package.origin).parent / "data" / "schemas"


@lru_cache(maxsize=1)
def _types() -> dict[str, str]:
    return json.loads((_folder() / "providers" / f"{REGION}.json").read_bytes())


@lru_cache(maxsize=64)
def schema(resource_type: str) -> dict[str, Any]:
    """Return a resource type's schema without its prose. Raises KeyError for a type that AWS does not have."""
    if is_custom(resource_type):
        return {**schema(CUSTOM), "required": ["ServiceToken"], "additionalProperties": True, "handlers": {}}
    text = (_folder() / "resources" / f"{_types()[resource_type]}.json").read_bytes()
    return _without_prose(json.loads(text))


def _without_prose(value: Any, is_schema: bool = True) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_prose(item, key not in ("properties", "definitions", "patternProperties"))
            for key, item in value.items()
            if not (is_schema and key == "description" and isinstance(item, str))
        }
    return [_without_prose(item) for item in value] if isinstance(value, list) else value


def _paths(resource_type: str, keyword: str) -> list[list[str]]:
    return [path.removeprefix("/properties/").split("/") for path in schema(resource_type).get(keyword, [])]


def has_attribute(resource_type: str, attribute: str) -> bool:
    """Return whether Fn::GetAtt can read this attribute (dots for nested ones)."""
    if is_custom(resource_type) or resource_type == CUSTOM:
        return True
    if resource_type == "AWS::CloudFormation::Stack" and attribute.startswith("Outputs."):
        return True
    if resource_type in ALL_PROPERTIES_READABLE and attribute in schema(resource_type)["properties"]:
        return True
    return attribute.split(".") in _paths(resource_type, "readOnlyProperties")


def name_property(resource_type: str) -> str | None:
    """Return the property that names a resource of this type, such as BucketName; None where there is none."""
    names = [path[0] for path in _paths(resource_type, "primaryIdentifier")]
    if names and names[-1].endswith("Name") and [names[-1]] not in _paths(resource_type, "readOnlyProperties"):
        return names[-1]
    candidates = [f"{resource_type.rpartition('::')[2]}Name", "Name"]
    known = schema(resource_type)["properties"].keys() - {
        path[0] for path in _paths(resource_type, "readOnlyProperties")
    }
    return next((name for name in candidates if name in known), None)


def replacing(resource_type: str, old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Return the top-level properties whose change from `old` to `new` needs a new resource."""
    if is_custom(resource_type) or resource_type == CUSTOM:
        return set()  # its maker says so, with another physical id
    return {path[0] for path in _paths(resource_type, "createOnlyProperties") if _at(old, path) != _at(new, path)}


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def is_taggable(resource_type: str) -> bool:
    """Return whether resources of this type can have tags."""
    return schema(resource_type).get("tagging", {}).get("taggable", "Tags" in schema(resource_type)["properties"])


def is_registry_type(resource_type: str) -> bool:
    """Return whether AWS runs this type by a handler of its registry (its messages differ from the older types')."""
    return "handlers" in schema(resource_type)


def check(resource_type: str, logical_id: str, properties: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the properties in the schema's own types, and AWS's message for what is wrong with them (or None).

    As AWS does it, text becomes a number or boolean where the schema asks for one, and the other way round.
    """
    own = schema(resource_type)
    read_only = [path[0] for path in _paths(resource_type, "readOnlyProperties") if len(path) == 1]
    given = [name for name in read_only if name in properties]
    if given:
        return properties, f"Encountered read-only properties in create-only request: [{', '.join(given)}]"
    if not is_registry_type(resource_type) and resource_type != CUSTOM:
        strange = [name for name in properties if name not in own["properties"]]
        if strange:
            return properties, f"Encountered unsupported property {strange[0]}"
        empty = [name for name in own.get("required", []) if name not in properties]
        if empty:
            return properties, f"Property {empty[0]} cannot be empty."
    problems: list[str] = []
    checked = _Check(own, problems).value(own | {"type": "object"}, properties, "#")
    if problems:
        listed = ", ".join(problems)
        return properties, f"Properties validation failed for resource {logical_id} with message:\n[{listed}]"
    return checked, None


class _Check:
    """Walks a value along its schema; the words of the problems are AWS's."""

    def __init__(self, root: dict[str, Any], problems: list[str]):
        self._root = root
        self._problems = problems

    def value(self, node: dict[str, Any], value: Any, path: str) -> Any:
        while "$ref" in node:
            node = self._root["definitions"][node["$ref"].rpartition("/")[2]]
        value = self._typed(node, value, path)
        if isinstance(value, dict):
            value = self._object(node, value, path)
        elif isinstance(value, list):
            value = self._array(node, value, path)
        elif isinstance(value, str):
            self._string(node, value, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if "minimum" in node and value < node["minimum"]:
                self._problems.append(f"{path}: {value} is not greater or equal to {node['minimum']}")
            if "maximum" in node and value > node["maximum"]:
                self._problems.append(f"{path}: {value} is not less or equal to {node['maximum']}")
        if "enum" in node and value not in node["enum"]:
            self._problems.append(f"{path}: {value} is not a valid enum value")
        return self._alternatives(node, value, path)

    def _typed(self, node: dict[str, Any], value: Any, path: str) -> Any:
        types = node.get("type") or ("object" if "properties" in node else [])
        types = types if isinstance(types, list) else [types]
        if not types or any(_is_a(value, kind) for kind in types):
            return value
        for kind in types:
            converted = _converted(value, kind)
            if converted is not None:
                return converted
        found = JSON_TYPES.get(type(value), "Null")
        self._problems.append(f"{path}: expected type: {KEYWORD_TYPES[types[0]]}, found: {found}")
        return value

    def _object(self, node: dict[str, Any], value: dict[str, Any], path: str) -> dict[str, Any]:
        properties = node.get("properties", {})
        patterns = node.get("patternProperties", {})
        result = {}
        for name in node.get("required", []):
            if name not in value:
                self._problems.append(f"{path}: required key [{name}] not found")
        for name, item in value.items():
            below = f"{path}/{name}"
            if name in properties:
                result[name] = self.value(properties[name], item, below)
                continue
            matching = next((rule for pattern, rule in patterns.items() if _matches(pattern, str(name))), None)
            extra = node.get("additionalProperties", True)
            if matching is not None:
                result[name] = self.value(matching, item, below)
            elif extra is False and (properties or patterns):
                self._problems.append(f"{path}: extraneous key [{name}] is not permitted")
            else:
                result[name] = self.value(extra, item, below) if isinstance(extra, dict) else item
        return result

    def _array(self, node: dict[str, Any], value: list[Any], path: str) -> list[Any]:
        if "minItems" in node and len(value) < node["minItems"]:
            self._problems.append(f"{path}: expected minimum item count: {node['minItems']}, found: {len(value)}")
        if "maxItems" in node and len(value) > node["maxItems"]:
            self._problems.append(f"{path}: expected maximum item count: {node['maxItems']}, found: {len(value)}")
        if node.get("uniqueItems") and len({json.dumps(item, sort_keys=True) for item in value}) < len(value):
            self._problems.append(f"{path}: array items are not unique")
        items = node.get("items")
        return [self.value(items, item, f"{path}/{n}") for n, item in enumerate(value)] if items else value

    def _string(self, node: dict[str, Any], value: str, path: str) -> None:
        if "minLength" in node and len(value) < node["minLength"]:
            self._problems.append(f"{path}: expected minLength: {node['minLength']}, actual: {len(value)}")
        if "maxLength" in node and len(value) > node["maxLength"]:
            self._problems.append(f"{path}: expected maxLength: {node['maxLength']}, actual: {len(value)}")
        if "pattern" in node and not _matches(node["pattern"], value):
            self._problems.append(f"{path}: failed validation constraint for keyword [pattern]")

    def _alternatives(self, node: dict[str, Any], value: Any, path: str) -> Any:
        for rule in node.get("allOf", []):
            value = self.value(rule, value, path)
        for keyword in ("anyOf", "oneOf"):
            if keyword not in node:
                continue
            results = [self._tried(rule, value, path) for rule in node[keyword]]
            good = [result for result, problems in results if not problems]
            if not good and len(results) == 1:
                self._problems.extend(results[0][1])
            elif not good:
                total = len(results)
                words = f"no subschema matched out of the total {total} subschemas"
                self._problems.append(
                    f"{path}: {words}" if keyword == "anyOf" else f"{path}: #: 0 subschemas matched instead of one"
                )
            else:
                value = good[0]
        return value

    def _tried(self, rule: dict[str, Any], value: Any, path: str) -> tuple[Any, list[str]]:
        problems: list[str] = []
        return _Check(self._root, problems).value(rule, value, path), problems


def _is_a(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"object": dict, "array": list, "string": str, "boolean": bool}[kind])


def _converted(value: Any, kind: str) -> Any:
    """Return a scalar in the asked type where AWS converts it, else None."""
    if kind == "string" and isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower())
    if kind == "integer" and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # a Java expression that Python does not have: the service itself checks the value
        return True

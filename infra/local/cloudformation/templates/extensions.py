"""The transform AWS::LanguageExtensions: Fn::ForEach is written out before anything else is looked at.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

import re
from typing import Any

from infra.local.cloudformation.templates.parameters import kind_of, listed
from infra.local.cloudformation.templates.placement import EXTENSIONS
from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import as_list, function_of, text

LOOP = "Fn::ForEach::"
MOST_MADE = 10_000  # by all loops of a template together, which may make 500 resources
SECTIONS = ("Conditions", "Outputs", "Resources")
STRANGE_CHARACTERS = re.compile(r"[^A-Za-z0-9]")


def has_loops(body: dict[str, Any]) -> bool:
    """Return whether a template has loops that are to be written out."""
    if EXTENSIONS not in as_list(body.get("Transform", [])):
        return False
    return any(_contains_loop(body.get(section)) for section in SECTIONS)


def _contains_loop(value: Any) -> bool:
    if isinstance(value, dict):
        return any(str(key).startswith(LOOP) or _contains_loop(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_contains_loop, value))


def written_out(body: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """Return a template's body with each loop replaced by what it makes.

    Parameters
    ----------
    parameters: the values of the stack's parameters, where collections may come from

    Raises TemplateError.
    """
    loops = _Loops(body, parameters)
    return {name: loops.expanded(section, {}) if name in SECTIONS else section for name, section in body.items()}


class _Loops:
    def __init__(self, body: dict[str, Any], parameters: dict[str, str]):
        self._mappings = body.get("Mappings", {})
        self._declared = body.get("Parameters", {})
        self._parameters = parameters
        self._made = 0

    def expanded(self, value: Any, variables: dict[str, str]) -> Any:
        """Return a value with the variables of the loops around it filled in, and its own loops written out."""
        if isinstance(value, str):
            return _filled(value, variables)
        if isinstance(value, list):
            return [self.expanded(item, variables) for item in value]
        if not isinstance(value, dict):
            return value
        if function_of(value) == "Ref" and isinstance(value["Ref"], str) and value["Ref"] in variables:
            return variables[value["Ref"]]
        result: dict[str, Any] = {}
        for key, item in value.items():
            made = self._loop(key, item, variables) if str(key).startswith(LOOP) else {key: item}
            for name, inner in made.items():
                if not str(key).startswith(LOOP):
                    name, inner = _filled(str(name), variables), self.expanded(inner, variables)
                if name in result:
                    raise TemplateError(
                        f"Template format error: [{name}] is made more than once by {LOOP.rstrip(':')}."
                    )
                result[name] = inner
        return result

    def _loop(self, key: str, given: Any, variables: dict[str, str]) -> dict[str, Any]:
        label = key.removeprefix(LOOP)
        if (
            not isinstance(given, list)
            or len(given) != 3
            or not isinstance(given[0], str)
            or not isinstance(given[2], dict)
        ):
            raise TemplateError(
                f"Template error: every Fn::ForEach object requires an identifier, a collection and a map of what it makes ({label})"
            )
        identifier, collection, body = given
        if identifier in self._declared or identifier in variables:
            raise TemplateError(f"Template error: the identifier {identifier} of Fn::ForEach::{label} is used already.")
        result: dict[str, Any] = {}
        for each in self._collection(collection, variables, label):
            for name, inner in self.expanded(body, {**variables, identifier: each}).items():
                if name in result:
                    raise TemplateError(f"Template format error: [{name}] is made more than once by Fn::ForEach.")
                self._made += 1
                if self._made > MOST_MADE:
                    raise TemplateError(f"Template format error: Fn::ForEach makes more than {MOST_MADE} members.")
                result[name] = inner
        return result

    def _collection(self, given: Any, variables: dict[str, str], label: str) -> list[str]:
        found = self._resolved(given, variables, label)
        if isinstance(found, list):
            flat = [self._resolved(item, variables, label) for item in found]
            parts = [part for item in flat for part in (item if isinstance(item, list) else [item])]
            if all(isinstance(part, (str, int, float)) for part in parts):
                return list(dict.fromkeys(text(part) for part in parts))
        raise TemplateError(f"Template error: the collection of Fn::ForEach::{label} is no list of texts.")

    def _resolved(self, given: Any, variables: dict[str, str], label: str) -> Any:
        """Return what a collection, or an item of it, is: a list, a list parameter, or from a map."""
        name = function_of(given)
        if name == "Ref" and isinstance(given["Ref"], str):
            target = given["Ref"]
            if target in variables:
                return variables[target]
            if target in self._parameters:
                value = self._parameters[target]
                return listed(value) if kind_of(self._declared[target]["Type"]).is_list else value
        elif name == "Fn::FindInMap" and isinstance(given[name], list) and len(given[name]) >= 3:
            found: Any = self._mappings
            for step in given[name][:3]:
                step = self._resolved(step, variables, label)
                found = found.get(text(step)) if isinstance(found, dict) else None
            if found is not None:
                return found
        elif name is None:
            return _filled(given, variables) if isinstance(given, str) else given
        raise TemplateError(f"Template error: the collection of Fn::ForEach::{label} cannot be resolved.")


def _filled(words: str, variables: dict[str, str]) -> str:
    """Return a text with ${Name} and &{Name} replaced; the latter leaves out what is neither letter nor digit."""
    for name, value in variables.items():
        words = words.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", STRANGE_CHARACTERS.sub("", value))
    return words

"""A template's text: JSON, or YAML with CloudFormation's short forms.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
import pickle
from functools import lru_cache
from typing import Any

import yaml

from infra.local.core.strict_json import is_deep

MOST_LEVELS = 100  # of lists and objects within each other; AWS's pages name no number
TOO_DEEP = "Template format error: The template is nested too deeply."


class TemplateError(Exception):
    """The template or a parameter is not valid; the message is AWS's."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with CloudFormation's short forms; dates stay text, as in AWS."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)


def read(text: str) -> dict[str, Any]:
    """Return a template's body from JSON or YAML text. Raises TemplateError."""
    body: dict[str, Any] = pickle.loads(_read(text))
    return body


def _check_events(text: str) -> None:
    """Check a YAML text before it is put together: a deep one would end the process, and one with aliases grow without end. Raises TemplateError."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise TemplateError("Template format error: YAML aliases are not allowed in CloudFormation templates")
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
            if depth > MOST_LEVELS:
                raise TemplateError(TOO_DEEP)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1


@lru_cache(maxsize=16)  # a stack's text is read again at each step, and a class deploys the same one
def _read(text: str) -> bytes:
    if text.lstrip().startswith("{"):
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"(line {error.lineno}, column {error.colno})"
            raise TemplateError(f"Template format error: JSON not well-formed. {where}") from None
        except RecursionError:
            raise TemplateError(TOO_DEEP) from None
        if is_deep(body, MOST_LEVELS):
            raise TemplateError(TOO_DEEP)
    else:
        try:
            _check_events(text)
            body = yaml.load(text, _Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"(line {mark.line + 1}, column {mark.column + 1})" if mark else ""
            raise TemplateError(f"Template format error: YAML not well-formed. {where}".strip()) from None
        except (yaml.YAMLError, ValueError, TypeError):
            raise TemplateError("Template format error: YAML not well-formed.") from None
    if not isinstance(body, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return pickle.dumps(body)

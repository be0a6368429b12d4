"""What is wrong with a definition: the diagnostics of ValidateStateMachineDefinition, and so of CreateStateMachine.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from infra.local.core import strict_json
from infra.local.stepfunctions import fields, resources
from infra.local.stepfunctions.definition import JSONATA, JSONPATH, inner_machines, is_distributed, processor
from infra.local.stepfunctions.diagnostic import SCHEMA, Diagnostic
from infra.local.stepfunctions.expressions import assigned, expression_faults
from infra.local.stepfunctions.jsonpath import is_number

TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
MISSING_TARGET = "MISSING_TRANSITION_TARGET"
TERMINAL_TYPES = ("Succeed", "Fail", "Choice")
NAME_LENGTH = 80  # of a state


def diagnose(text: str, kind: str = "STANDARD") -> list[Diagnostic]:
    """Return what is wrong with a definition for a state machine of a kind, `STANDARD` or `EXPRESS`."""
    if not text.strip():
        return [Diagnostic("Definition must be a valid JSON object")]
    try:
        root = strict_json.loads(text)
    except json.JSONDecodeError as error:
        where = f"[Source: (String); line: {error.lineno}, column: {error.colno}]"
        return [Diagnostic(f"{error.msg}\n at {where}", where, "INVALID_JSON_DESCRIPTION")]
    except ValueError as error:
        return [Diagnostic(str(error), code="INVALID_JSON_DESCRIPTION")]
    if not isinstance(root, dict):
        return [Diagnostic("Definition must be a valid JSON object")]
    language = root.get("QueryLanguage", JSONPATH)
    if language not in (JSONPATH, JSONATA):
        return [
            Diagnostic(
                "The field 'QueryLanguage' should have one of these values: [JSONata, JSONPath]", "/QueryLanguage"
            )
        ]
    return list(_Checker(kind, language).machine(root, "", is_root=True))


class _Checker:
    def __init__(self, kind: str, language: str):
        self.kind = kind
        self.language = language
        self.names: set[str] = set()

    def machine(
        self, machine: dict[str, Any], location: str, is_root: bool = False, outer: frozenset[str] = frozenset()
    ) -> Iterator[Diagnostic]:
        """Check an object with StartAt and States: the root, a branch, an item processor.

        Parameters
        ----------
        outer: names of the variables that are assigned around it
        """
        missing = [name for name in ("States", "StartAt") if name not in machine]
        if missing:
            yield Diagnostic(f"These fields are required: [{', '.join(missing)}]", location or "/")
            return
        known = fields.ROOT if is_root else fields.INNER
        for name in machine:
            if name not in known:
                yield Diagnostic(f"Field '{name}' is not supported", location or "/")
        yield from fields.kinds(machine, fields.ROOT, location)
        if is_root and is_number(limit := machine.get("TimeoutSeconds")) and limit < 1:
            yield Diagnostic("Value must be a number of at least 1", "/TimeoutSeconds")
        states = machine["States"]
        if not isinstance(states, dict) or not isinstance(machine["StartAt"], str):
            return
        if not states:
            yield Diagnostic("Value cannot be empty", f"{location}/States")
            return
        own = {name for state in states.values() if isinstance(state, dict) for name in _assigned(state)}
        faults = [
            fault
            for name, state in states.items()
            for fault in (
                *self._state(name, state, f"{location}/States/{name}", outer | own),
                *_hiding(state, outer, f"{location}/States/{name}"),
            )
        ]
        yield from faults
        if not any(fault.code == SCHEMA and fault.severity == "ERROR" for fault in faults):
            yield from self._transitions(machine, location)

    def _transitions(self, machine: dict[str, Any], location: str) -> Iterator[Diagnostic]:
        states = machine["States"]
        if machine["StartAt"] not in states:
            yield Diagnostic(f"Missing 'StartAt' target: {machine['StartAt']}", f"{location}/StartAt", MISSING_TARGET)
            return
        reached, ahead = set(), [machine["StartAt"]]
        while ahead:
            name = ahead.pop()
            if name in reached or name not in states:
                continue
            reached.add(name)
            ahead += [target for target, _, _ in _targets(states[name], "")]
        for name, state in states.items():
            for target, field, where in _targets(state, f"{location}/States/{name}"):
                if target not in states:
                    yield Diagnostic(f"Missing '{field}' target: {target}", where, MISSING_TARGET)
        for name in states:
            if name not in reached:
                yield Diagnostic(f'State "{name}" is not reachable.', f"{location}/States/{name}", MISSING_TARGET)

    def _state(self, name: str, state: Any, location: str, variables: frozenset[str]) -> Iterator[Diagnostic]:
        if not isinstance(state, dict):
            yield Diagnostic("Expected value of type Object", location)
            return
        if not name or len(name) > NAME_LENGTH:
            yield Diagnostic(f"State name must have a length between 1 and {NAME_LENGTH}", location)
        if name in self.names:
            yield Diagnostic(f"Duplicate state name: {name}", location, "DUPLICATE_STATE_NAME")
        self.names.add(name)
        unusable = self._unusable(state, location)
        if unusable is not None:
            yield unusable
            return
        kind, language = state["Type"], state.get("QueryLanguage", self.language)
        wrong = [
            *fields.unsupported(kind, state, language, location),
            *fields.kinds(state, fields.STATE_KINDS, location),
            *fields.kinds(state, fields.KINDS_BY_TYPE.get(kind, {}), location),
        ]
        yield from wrong
        if wrong:
            return
        lacking = list(fields.required(kind, state, language, location))
        yield from lacking
        if any(fault.message.startswith("Expected value") for fault in lacking):
            return
        yield from expression_faults(kind, state, language, location)
        if kind == "Task" and "Resource" in state:
            yield from self._resource(state, location)
        if kind == "Map" and ("ItemProcessor" in state or "Iterator" in state):
            yield from self._map(state, location)
        for machine, where in inner_machines(state, location):
            if not isinstance(machine, dict):
                yield Diagnostic("Expected value of type Object", where)
            else:
                yield from self.machine(machine, where, outer=variables)

    def _unusable(self, state: dict[str, Any], location: str) -> Diagnostic | None:
        """Return the fault of a state whose type or query language leaves nothing to check."""
        if "Type" not in state:
            return Diagnostic("These fields are required: [Type]", location)
        if state["Type"] not in TYPES:
            text = f"The field 'Type' should have one of these values: [{', '.join(TYPES)}]"
            return Diagnostic(text, f"{location}/Type")
        language = state.get("QueryLanguage", self.language)
        if language not in (JSONPATH, JSONATA):
            text = "The field 'QueryLanguage' should have one of these values: [JSONata, JSONPath]"
            return Diagnostic(text, f"{location}/QueryLanguage")
        if self.language == JSONATA and language == JSONPATH:
            text = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            return Diagnostic(text, location)
        return None

    def _resource(self, state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
        where = f"{location}/Resource"
        try:
            resource = resources.parse(state["Resource"])
        except resources.UnknownResource as error:
            yield Diagnostic(str(error), where)
            return
        if self.kind == "EXPRESS":
            if resource.kind == "activity":
                yield Diagnostic("Express state machine does not support Activity ARN", where)
            elif resource.pattern == resources.TOKEN:
                # the two blanks are AWS's
                yield Diagnostic(
                    "Express state machine does not support '.waitForTaskToken' service integration ", where
                )
            elif resource.pattern:
                yield Diagnostic("Express state machine does not support '.sync' service integration", where)
        if "Credentials" in state:
            yield Diagnostic(
                "The local AWS runs a task only as the state machine's own role", f"{location}/Credentials"
            )
        yield from _unknown_parameters(state, resource, location)

    def _map(self, state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
        if is_distributed(state) or any(name in state for name in ("ItemReader", "ResultWriter", "Label")):
            yield Diagnostic(
                "The local AWS runs Map states only inline: ProcessorConfig.Mode must be INLINE, "
                "without ItemReader, ResultWriter and Label",
                location,
            )
            return
        mode = (processor(state).get("ProcessorConfig") or {}).get("Mode", "INLINE")
        if mode != "INLINE":
            yield Diagnostic(
                "The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]", f"{location}/ItemProcessor"
            )


def _assigned(state: dict[str, Any]) -> set[str]:
    """Return the names of the variables that a state assigns; none of one whose rules are malformed, which is told elsewhere."""
    rules = [state.get(name) for name in ("Choices", "Catch")]
    return set(assigned(state)) if all(rule is None or isinstance(rule, list) for rule in rules) else set()


def _hiding(state: Any, outer: frozenset[str], location: str) -> Iterator[Diagnostic]:
    """Yield the variables of a state that have the name of one around it.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
    """
    for name in sorted(_assigned(state) & outer) if isinstance(state, dict) else ():
        yield Diagnostic(f"The variable '{name}' is already assigned in an outer scope", f"{location}/Assign")


def _targets(state: dict[str, Any], location: str) -> Iterator[tuple[str, str, str]]:
    """Yield each state that a state leads to, with the field's name and place."""
    for name in ("Next", "Default"):
        if name in state:
            yield state[name], name, f"{location}/{name}"
    for group in ("Choices", "Catch"):
        for number, rule in enumerate(state.get(group) or []):
            if "Next" in rule:
                yield rule["Next"], "Next", f"{location}/{group}[{number}]/Next"


def _unknown_parameters(state: dict[str, Any], resource: resources.Resource, location: str) -> Iterator[Diagnostic]:
    """AWS knows the members of each API: a wrong name is refused when the state machine is made."""
    operation = resources.operation(resource)
    field = "Arguments" if "Arguments" in state else "Parameters"
    given = state.get(field)
    if operation is None or not isinstance(given, dict):
        return
    shape = operation.input_shape
    known = {name[:1].upper() + name[1:] for name in (shape.members if shape else {})} | fields.EXTRA_PARAMETERS
    for name in given:
        if name.removesuffix(".$") not in known:
            yield Diagnostic(
                f"The field '{name.removesuffix('.$')}' is not supported by Step Functions", f"{location}/{field}"
            )

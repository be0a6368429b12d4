"""What goes into a state and what comes out of it, in both query languages.

JSONPath: InputPath, Parameters, ResultSelector, ResultPath, OutputPath. JSONata: Arguments, Output. Both: Assign.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.stepfunctions import choice, jsonata, jsonpath
from infra.local.stepfunctions.failures import DATA_LIMIT, NO_CHOICE, QUERY_EVALUATION, RUNTIME, StateFailure
from infra.local.stepfunctions.scope import Scope, compact
from infra.local.stepfunctions.templates import fill_expressions, fill_paths, path_value

JSONATA = "JSONata"
DATA_LIMIT_BYTES = 262_144  # of input, output and variables
_ABSENT: Any = object()


@dataclass
class Visit:
    """One visit to a state: its definition, the raw input, and what its expressions may use."""

    name: str
    state: dict[str, Any]
    language: str
    raw: Any
    context: dict[str, Any]
    variables: dict[str, Any]
    trace: dict[str, Any] = field(default_factory=dict)  # what TestState shows: value after each step

    @property
    def is_jsonata(self) -> bool:
        return self.language == JSONATA

    def scope(self, value: Any = _ABSENT) -> Scope:
        return Scope(self.raw if value is _ABSENT else value, self.context, self.variables)

    def states(self, **more: Any) -> dict[str, Any]:
        return {"input": self.raw, "context": self.context, **more}

    def expression(self, template: Any, field_name: str, **more: Any) -> Any:
        """Return the value of a JSONata template in a field of this state."""
        return fill_expressions(template, self.states(**more), self.variables, field_name)

    # --- in

    def effective_input(self) -> Any:
        """Return the input after InputPath; in JSONata it is the raw one."""
        if self.is_jsonata:
            return self.raw
        value = self.scope().select(self.state.get("InputPath", "$"))
        self.trace["afterInputPath"] = value
        return value

    def arguments(self) -> Any:
        """Return what a Task, Parallel or Pass works on: Parameters or Arguments filled in, else the input."""
        value = self.effective_input()
        if self.is_jsonata:
            if "Arguments" in self.state:
                value = self.expression(self.state["Arguments"], "Arguments")
                self.trace["afterArguments"] = value
            return value
        if "Parameters" in self.state:
            value = fill_paths(self.state["Parameters"], self.scope(value))
        self.trace["afterParameters"] = value
        return value

    def number(self, name: str, default: Any = None) -> Any:
        """Return a field that may be given as a number, a path (`NamePath`) or an expression, such as TimeoutSeconds."""
        if name + "Path" in self.state and not self.is_jsonata:
            return self.scope(self.effective_input()).select(self.state[name + "Path"])
        value = self.state.get(name, default)
        if self.is_jsonata and isinstance(value, str) and jsonata.is_expression(value):
            return jsonata.expected(self.expression(value, name), "number", value, name)
        return value

    def out_of_range(self, name: str, words: str) -> StateFailure:
        """Return the failure of a number that a field cannot have: one of the expression, where it comes from one."""
        return StateFailure(QUERY_EVALUATION, words, name, True) if self.is_jsonata else StateFailure(RUNTIME, words)

    # --- out

    def output(self, result: Any = _ABSENT, *, selector: bool = True) -> tuple[Any, dict[str, Any]]:
        """Return the state's output and the variables that it assigns.

        Parameters
        ----------
        result: what the state made; nothing for states that make nothing (Wait, Choice, Succeed)
        selector: ResultSelector applies

        Raises
        ------
        StateFailure: a path or expression fails, or the output is too big
        """
        if self.is_jsonata:
            return self._jsonata_output(self.state, result)
        effective = self.effective_input()
        assigned = self._assigned(self.state, effective if result is _ABSENT else result)
        if result is _ABSENT:
            value = effective
        else:
            self.trace["result"] = result
            if selector and "ResultSelector" in self.state:
                result = fill_paths(self.state["ResultSelector"], self.scope(result))
            self.trace["afterResultSelector"] = result
            value = self._with_result(self.state.get("ResultPath", "$"), result)
            self.trace["afterResultPath"] = value
        value = self.scope(value).select(self.state.get("OutputPath", "$"))
        return self.limited(value), assigned

    def caught(self, catcher: dict[str, Any], failure: StateFailure) -> tuple[Any, dict[str, Any]]:
        """Return the output and the variables of a Catch."""
        error_output = {"Error": failure.error, "Cause": failure.cause}
        if self.is_jsonata:
            return self._jsonata_output(catcher, _ABSENT, errorOutput=error_output, default=error_output)
        assigned = self._assigned(catcher, error_output)
        return self.limited(self._with_result(catcher.get("ResultPath", "$"), error_output)), assigned

    def chosen(self) -> tuple[str, Any, dict[str, Any]]:
        """Return the next state of a Choice, its output and its variables. Raises StateFailure where no rule holds."""
        effective = self.effective_input()
        for number, rule in enumerate(self.state["Choices"]):
            if self._rule_holds(rule, number, effective):
                return rule["Next"], *self._rule_output(rule, effective)
        if "Default" in self.state:
            return self.state["Default"], *self._rule_output({}, effective)
        raise StateFailure(NO_CHOICE, "No choice was matched.")

    def _rule_holds(self, rule: dict[str, Any], number: int, effective: Any) -> bool:
        if not self.is_jsonata:
            return choice.holds(rule, self.scope(effective))
        condition, name = rule["Condition"], f"Choices[{number}]/Condition"
        if isinstance(condition, bool):
            return condition
        return bool(jsonata.expected(self.expression(condition, name), "boolean", condition, name))

    def _rule_output(self, rule: dict[str, Any], effective: Any) -> tuple[Any, dict[str, Any]]:
        """Return output and variables of a rule that holds, or of the state itself where none does."""
        where = rule or self.state
        if self.is_jsonata:
            return self._jsonata_output(where, _ABSENT)
        value = self.scope(effective).select(self.state.get("OutputPath", "$"))
        return self.limited(value), self._assigned(where, effective)

    def failing(self) -> StateFailure:
        """Return the failure of a Fail state."""
        return StateFailure(self._fail_text("Error"), self._fail_text("Cause"))

    def _fail_text(self, name: str) -> str | None:
        if self.is_jsonata:
            value = self.state.get(name)
            if isinstance(value, str) and jsonata.is_expression(value):
                return str(jsonata.expected(self.expression(value, name), "string", value, name))
            return value
        if name + "Path" not in self.state:
            return self.state.get(name)
        value = path_value(self.state[name + "Path"], self.scope(), name + "Path")
        if not isinstance(value, str):
            raise StateFailure(
                RUNTIME, f"The {name}Path field refers to a value that is not a string: {compact(value)}"
            )
        return value

    def _with_result(self, path: str | None, result: Any) -> Any:
        if path is None:
            return self.raw
        if path == "$":
            return result
        try:
            return jsonpath.put(jsonpath.parse(path), self.raw, result)
        except (jsonpath.PathNotFound, jsonpath.PathSyntaxError):
            raise StateFailure(
                "States.ResultPathMatchFailure",
                f'Unable to apply step "{path.rpartition(".")[2]}" to input {compact(self.raw)}',
            ) from None

    def _assigned(self, where: dict[str, Any], value: Any) -> dict[str, Any]:
        return self._limited_variables(fill_paths(where.get("Assign", {}), self.scope(value)))

    def _jsonata_output(
        self, where: dict[str, Any], result: Any, default: Any = _ABSENT, **more: Any
    ) -> tuple[Any, dict[str, Any]]:
        if result is not _ABSENT:
            more["result"] = result
            self.trace["result"] = result
        assigned = self.expression(where.get("Assign", {}), "Assign", **more)
        if "Output" in where:
            value = self.expression(where["Output"], "Output", **more)
        elif default is not _ABSENT:
            value = default
        else:
            value = self.raw if result is _ABSENT else result
        return self.limited(value), self._limited_variables(assigned)

    def limited(self, value: Any) -> Any:
        """Return a value that is not too big for the state's output. Raises StateFailure."""
        check_size(value, self.name)
        return value

    def _limited_variables(self, assigned: dict[str, Any]) -> dict[str, Any]:
        for name, value in assigned.items():
            if len(compact(value).encode()) > DATA_LIMIT_BYTES:
                raise StateFailure(
                    DATA_LIMIT, f"The variable '{name}' exceeds the maximum size of {DATA_LIMIT_BYTES} bytes."
                )
        if len(assigned) > 1 and len(compact(assigned).encode()) > DATA_LIMIT_BYTES:
            raise StateFailure(
                DATA_LIMIT, f"The variables of one Assign exceed the maximum size of {DATA_LIMIT_BYTES} bytes."
            )
        return assigned


def check_size(value: Any, name: str) -> None:
    """Raise StateFailure if the JSON text of a result is longer than 256 KiB."""
    text = compact(value)
    if len(text) * 4 > DATA_LIMIT_BYTES and len(text.encode()) > DATA_LIMIT_BYTES:
        raise StateFailure(
            DATA_LIMIT,
            f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
        )

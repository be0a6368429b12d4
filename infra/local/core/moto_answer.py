"""moto's answers, put together from its objects: a member of an answer may be called by up to twelve names there, and those are found out once.

It asks for them again for every member of every answer, which is most of what a read costs.
"""

from __future__ import annotations

from typing import Any

from moto.core import serialize
from moto.core.serialize import AttributePickerContext, ResponseSerializer, XFormedAttributePicker

_of_any = ResponseSerializer.get_value


def _get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
    """Return a member of what is told: of a dictionary, whose names depend on nothing else, by what was found out before."""
    picker = self._value_picker
    if type(value) is not dict or type(picker) is not XFormedAttributePicker or picker.response_transformers:
        return _of_any(self, value, key, shape)
    if shape is None or picker.alias_providers is not serialize.DEFAULT_ALIAS_PROVIDERS:
        return _of_any(self, value, key, shape)
    known = shape.__dict__.setdefault("_names_in_a_dictionary", {})
    names = known.get(key)
    if names is None:
        context = AttributePickerContext(obj=value, key=key, shape=shape)
        names = known[key] = tuple(dict.fromkeys(picker.get_possible_keys(context)))
    return next((value[name] for name in names if name in value), None)


ResponseSerializer.get_value = _get_value

"""moto's answers are what they were: a member of a dictionary is found under the same name as by moto itself."""

import pytest
from moto.core.responses import get_service_model
from moto.core.serialize import JSONSerializer, XFormedAttributePicker

from infra.local.core import moto_answer


def members(shape, seen):
    """Every structure's members in the answers of a service, each once."""
    if shape is None or shape.name in seen:
        return
    if shape.type_name == "list":
        yield from members(shape.member, seen)
    elif shape.type_name == "map":
        yield from members(shape.value, seen)
    elif shape.type_name == "structure":
        seen.add(shape.name)
        for key, member in shape.members.items():
            yield key, member
            yield from members(member, seen)


@pytest.mark.parametrize("service", ["glue", "athena", "kinesis", "cloudformation"])
def test_each_name_is_found_as_moto_finds_it(service):
    model, seen, checked = get_service_model(service), set(), 0
    for name in model.operation_names:
        operation = model.operation_model(name)
        serializer = JSONSerializer(operation_model=operation, value_picker=XFormedAttributePicker())
        for key, shape in members(operation.output_shape, seen):
            known = {candidate: candidate for candidate in (key, key.lower(), shape.name, "other")}
            known |= {moto_answer.serialize.xform_name(candidate): candidate for candidate in (key, shape.name)}
            for value in ({}, {"other": 1}, known, *({name: told} for name, told in known.items())):
                assert serializer.get_value(value, key, shape) == moto_answer._of_any(serializer, value, key, shape)
                checked += 1
    assert checked > 300


def test_an_object_is_left_to_moto():
    class Database:
        name = "d"

    operation = get_service_model("glue").operation_model("GetDatabase")
    serializer = JSONSerializer(operation_model=operation, value_picker=XFormedAttributePicker())
    shape = operation.output_shape.members["Database"].members["Name"]
    assert serializer.get_value(Database(), "Name", shape) == "d"

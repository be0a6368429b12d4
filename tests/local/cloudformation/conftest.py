"""Stacks that tests create and update, in the account of the test."""

import json

import pytest

from tests.local.cloudformation.stack_lab import IAM, rest


@pytest.fixture
def cloudformation(client):
    return client("cloudformation")


@pytest.fixture
def create(cloudformation):
    """Create a stack from a dict and return its id and the status in which it ends."""

    def create(name, template, **parameters):
        stack_id = cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=IAM, **parameters
        )["StackId"]
        return stack_id, rest(cloudformation, stack_id)

    return create


@pytest.fixture
def update(cloudformation):
    def update(name, template, **parameters):
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=IAM, **parameters)
        return rest(cloudformation, name)

    return update

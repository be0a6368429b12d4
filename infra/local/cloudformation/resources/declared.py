"""Resource types whose service takes their properties much as they are: declarations instead of classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag, without

Properties = dict[str, Any]


def as_it_is(name: str, properties: Properties, is_update: bool) -> Properties:
    """Return the parameters of a call: the properties, with the name that the resource has."""
    return {**without(properties, "Tags"), "Name": name}


@dataclass(frozen=True)
class Declared(ResourceType):
    """A resource type with one call to make it, one to change it and one to delete it.

    Attributes
    ----------
    service: as clients name it
    noun: what the calls are about: create_<noun>, update_<noun>, delete_<noun>
    form: (name, properties, whether it is an update) → the parameters of the call
    named: properties → the name that the template gives; None for the property that the schema tells
    deleted: the parameter of the deletion that holds the name
    place: properties that the deletion needs, too
    tagged: the last part of the ARN by which it is tagged, with {} for the name; "" where it has no tags
    gives: what Fn::GetAtt gives besides nothing: attribute → text with {} for the physical id
    lower_case: names made here are in lower case
    """

    service: str
    noun: str
    form: Callable[[str, Properties, bool], Properties] = as_it_is
    named: Callable[[Properties], str | None] | None = None
    deleted: str = "Name"
    place: tuple[str, ...] = ()
    tagged: str = ""
    gives: tuple[str, ...] = ()
    lower_case: bool = False

    def own_name(self, context: Context, properties: Properties) -> str | None:
        return self.named(properties) if self.named else super().own_name(context, properties)

    def name(self, context: Context, properties: Properties) -> str:
        made = super().name(context, properties)
        return made.lower() if self.lower_case and not self.own_name(context, properties) else made

    def _call(self, context: Context, verb: str) -> Callable[..., Any]:
        return getattr(context.client(self.service), f"{verb}_{self.noun}")  # type: ignore[no-any-return]

    def create(self, context: Context, name: str, properties: Properties) -> None:
        tags = created_tags(self.service, properties, context) if self.tagged else {}
        self._call(context, "create")(**self.form(name, properties, False), **tags)
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._call(context, "update")(**self.form(physical_id, properties, True))
        if self.tagged:
            arn = context.arn(self.service, self.tagged.format(physical_id))
            retag(self.service, arn, properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._call(context, "delete")(**{self.deleted: physical_id}, **picked(properties, *self.place))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return dict.fromkeys(self.gives, physical_id)

"""AWS Systems Manager: moto's, with a row a parameter, and lists that look at one page where nothing is filtered."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.models import Parameter, ParameterDict, SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from infra.local.core import pages
from infra.local.core.records import LentDict, as_records
from infra.local.core.refused import Refused

BACKENDS = ssm_backends
DESCRIBED = 10  # parameters of a page where MaxResults is not given
# Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html


class LocalParameters(ParameterDict):
    """Name → versions of a parameter, the newest last. What an account has put is in `rows`, too; AWS's public parameters are looked up again."""

    def __init__(self, account_id: str, region_name: str):
        super().__init__(account_id, region_name)
        self.rows = LentDict()

    def __getitem__(self, item: str) -> list[Parameter]:
        versions = super().__getitem__(item)
        name = self.normalize_name(item)
        if name in self.rows:
            self.rows.get(name)  # it may change
        return versions

    def __setitem__(self, name: str, versions: list[Parameter]) -> None:
        super().__setitem__(name, versions)
        if not name.startswith("/aws/service/"):
            self.rows[name] = versions

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.rows.pop(name, None)

    def pop(self, name: str, *default: Any) -> Any:  # type: ignore[override]
        self.rows.pop(name, None)
        return super().pop(name, *default)

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalParameters, (self.account_id, self.region_name), {"rows": self.rows}

    def __setstate__(self, values: dict[str, Any]) -> None:
        if "rows" in values:
            self.rows = values["rows"]
            dict.update(self, self.rows)  # else they are here already: a lake of before


class LocalSystemsManagerBackend(SimpleSystemManagerBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self._parameters = LocalParameters(account_id, region_name)
        self._resource_tags: defaultdict[str, defaultdict[str, dict[str, str]]] = defaultdict(
            partial(defaultdict, dict)
        )
        self.parameter_tags: Any = {}  # name → tags
        as_records(self, "parameter_tags")

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if "parameter_tags" not in values:  # a lake of before
            self.parameter_tags = self._resource_tags.pop("Parameter", {})
            as_records(self, "parameter_tags")

    # --- tags of parameters ---

    def add_tags_to_resource(self, resource_type: str, resource_id: str, tags: dict[str, str]) -> None:
        if resource_type != "Parameter":
            super().add_tags_to_resource(resource_type, resource_id, tags)
            return
        name = self._validate_resource_type_and_id(resource_type, resource_id)
        self.parameter_tags[name] = {**self.parameter_tags.get(name, {}), **tags}

    def remove_tags_from_resource(self, resource_type: str, resource_id: str, keys: list[str]) -> None:
        if resource_type != "Parameter":
            super().remove_tags_from_resource(resource_type, resource_id, keys)
            return
        name = self._validate_resource_type_and_id(resource_type, resource_id)
        left = {key: value for key, value in self.parameter_tags.get(name, {}).items() if key not in keys}
        self.parameter_tags[name] = left

    def list_tags_for_resource(self, resource_type: str, resource_id: str) -> dict[str, str]:
        if resource_type != "Parameter":
            return super().list_tags_for_resource(resource_type, resource_id)
        return self.parameter_tags.get(self._validate_resource_type_and_id(resource_type, resource_id), {})

    def delete_parameter(self, name: str) -> None:
        super().delete_parameter(name)
        self.parameter_tags.pop(self._parameters.normalize_name(name), None)

    def delete_parameters(self, names: list[str]) -> list[str]:
        gone = super().delete_parameters(names)
        for name in gone:
            self.parameter_tags.pop(self._parameters.normalize_name(name), None)
        return gone


class LocalSystemsManagerResponse(SimpleSystemManagerResponse):
    def describe_parameters(self) -> ActionResult:
        """Answer a page; without filters no other parameter is looked at."""
        backend = self.ssm_backend
        try:
            start = pages.first(str(self._get_param("NextToken") or "").strip())
        except ValueError:
            raise Refused(400, "InvalidNextToken", "The specified token isn't valid.") from None
        filters = self._get_param("Filters"), self._get_param("ParameterFilters")
        found: Iterable[Parameter]
        if any(filters):
            found = backend.describe_parameters(*filters)
        else:
            found = (versions[-1] for versions in backend._parameters.rows.values() if versions)  # type: ignore[attr-defined]
        end = start + int(self._get_param("MaxResults") or DESCRIBED)
        page = [each.describe_response_object(False) for each in itertools.islice(found, start, end + 1)]
        answer: dict[str, Any] = {"Parameters": page[: end - start]}
        if len(page) > end - start:
            answer["NextToken"] = str(end)
        return ActionResult(answer)


RESPONSE = LocalSystemsManagerResponse
ssm_backends.backend = LocalSystemsManagerBackend

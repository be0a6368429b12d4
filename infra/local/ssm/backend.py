"""AWS Systems Manager: moto's, in a form that can be saved and loaded."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from moto.ssm.models import ParameterDict, SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

BACKENDS = ssm_backends
RESPONSE = SimpleSystemManagerResponse


class LocalParameters(ParameterDict):
    def __reduce__(self) -> tuple[Any, ...]:
        return LocalParameters, (self.account_id, self.region_name), self.__dict__, None, iter(self.items())


class LocalSystemsManagerBackend(SimpleSystemManagerBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self._parameters = LocalParameters(account_id, region_name)
        self._resource_tags: defaultdict[str, defaultdict[str, dict[str, str]]] = defaultdict(
            partial(defaultdict, dict)
        )


ssm_backends.backend = LocalSystemsManagerBackend

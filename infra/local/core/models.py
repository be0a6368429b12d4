"""AWS's own models of its services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.model import ServiceModel
from moto.core import utils

from infra.local.core import model_files as model_files  # before moto reads one
from infra.local.core import registry

if TYPE_CHECKING:
    from infra.local.core.service import Service


def of(service: Service) -> ServiceModel:
    """Return the model of a service. Raises botocore's UnknownServiceError.

    Parameters
    ----------
    service: botocore's name
    """
    return utils.get_service_model(registry.model_name(service.name))

"""AWS Budgets: what a budget is, who is told; nothing is spent here, so nobody ever is."""

from infra.local.budgets.backend import BACKENDS, RESPONSE
from infra.local.core.service import Service

SERVICE = Service("budgets", BACKENDS, RESPONSE)

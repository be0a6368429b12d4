"""AWS CloudFormation."""

from moto.cloudformation import cloudformation_backends
from moto.cloudformation.responses import CloudFormationResponse

BACKENDS = cloudformation_backends
RESPONSE = CloudFormationResponse

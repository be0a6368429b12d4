"""Functions that need nothing but their arguments.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import ipaddress
import itertools
import json
from typing import Any

from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import text

MOST_CIDRS = 256
BITS_WHERE_NONE_ARE_GIVEN = {4: 8, 6: 64}
ZONES = {
    "us-east-1": "abcdef",
    "us-west-1": "ac",
    "us-west-2": "abcd",
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
}  # where they are not a, b and c


def cidr(block: Any, count: Any, bits: Any) -> list[str]:
    """Return the first subnets of an address block.

    Parameters
    ----------
    count: how many, 1 to 256
    bits: bits of a subnet's own addresses: 8 makes a /24 of IPv4. None for AWS's default

    Raises TemplateError.
    """
    problem = TemplateError(
        "Template error: every Fn::Cidr object requires a CIDR block, the number of subnets from 1 to 256 and the number of subnet bits."
    )
    try:
        network = ipaddress.ip_network(text(block), strict=False)
        wanted = int(text(count))
        own_bits = BITS_WHERE_NONE_ARE_GIVEN[network.version] if bits is None else int(text(bits))
    except ValueError:
        raise problem from None
    prefix = network.max_prefixlen - own_bits
    if not 1 <= wanted <= MOST_CIDRS or own_bits < 1 or prefix < 0:
        raise problem
    if prefix < network.prefixlen or wanted > 2 ** (prefix - network.prefixlen):
        raise TemplateError(f"Template error: Fn::Cidr cannot make {wanted} subnets of /{prefix} in {network}")
    return [str(subnet) for subnet in itertools.islice(network.subnets(new_prefix=prefix), wanted)]


def zones(region: str) -> list[str]:
    """Return the availability zones of a region."""
    return [f"{region}{letter}" for letter in ZONES.get(region, "abc")]


def json_text(value: Any) -> str:
    """Return a list or map as JSON text, as Fn::ToJsonString writes it. Raises TemplateError."""
    if not isinstance(value, (dict, list)):
        raise TemplateError("Template error: every Fn::ToJsonString object must have an object or a list.")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

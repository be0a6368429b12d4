"""The type IPADDRESS: its text as Trino writes it, what it is compared by, and contains() of a network.

Source: https://trino.io/docs/current/functions/ipaddress.html
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from infra.engines.athena.errors import Refused


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        found = ip_address(text)
    except ValueError:
        raise Refused("INVALID_CAST_ARGUMENT", f"Cannot cast value to IPADDRESS: {text}") from None
    return getattr(found, "ipv4_mapped", None) or found


def varchar_to_ipaddress(text: str) -> str:
    """An address as Trino shows it: IPv4 also where it is written inside IPv6, IPv6 with its zeros left out."""
    return str(_address(text))


def address_key(text: str) -> bytes:
    """Sixteen bytes that are ordered as addresses are."""
    found = _address(text)
    return found.packed if found.version == 6 else bytes(10) + b"\xff\xff" + found.packed


def network_contains(network: str, text: str) -> bool:
    """Whether a network in CIDR form holds an address."""
    try:
        block = ip_network(network, strict=False) if "/" in network else None
    except ValueError:
        block = None
    if block is None:
        raise Refused("INVALID_FUNCTION_ARGUMENT", "Invalid CIDR")
    return _address(text) in block


FUNCTIONS = {
    varchar_to_ipaddress: (["VARCHAR"], "VARCHAR"),
    address_key: (["VARCHAR"], "BLOB"),
    network_contains: (["VARCHAR", "VARCHAR"], "BOOLEAN"),
}

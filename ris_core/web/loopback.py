"""Test for addresses of this machine that no other machine can reach."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a name or address belongs to the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

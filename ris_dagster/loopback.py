"""Whether a host is this machine by an address that no other one reaches."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a name or address is of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

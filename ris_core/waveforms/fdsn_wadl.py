"""The description of an FDSN web service in its ``application.wadl``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """An FDSN web service that describes itself; `takes_tokens`: whether it exchanges EIDA tokens for a login."""

    takes_tokens: bool


def described_service(wadl: bytes) -> Service | None:
    """Return the service that a WADL describes; none if the bytes are not a WADL. No entity is expanded."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(wadl, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if not root.xpath("/*[local-name()='application']/*[local-name()='resources']"):
        return None
    return Service(bool(root.xpath("//*[local-name()='resources']/*[local-name()='resource'][@path='auth']")))

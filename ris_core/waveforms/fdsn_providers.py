"""Addresses of a data centre's services: those of the names that ObsPy knows, and base URLs."""

from __future__ import annotations

_SERVICES = "fdsnws"
_OTHER_SERVICES = {"IRISPH5": "ph5ws"}  # the one name whose services are not below /fdsnws


def known_providers() -> list[str]:
    """Return the names that ObsPy knows."""
    return sorted(_addresses())


def is_known(provider: str) -> bool:
    """Return whether a provider is a URL or a name that ObsPy knows."""
    return "://" in provider or provider.upper() in _addresses()


def services_url(provider: str) -> str:
    """Return the address below which a provider's services are, like ``https://service.earthscope.org/fdsnws``.

    Parameters
    ----------
    provider
        Base URL, or a name that ObsPy knows (`is_known`).
    """
    name = provider.upper()
    base = provider if "://" in provider else _addresses()[name]
    return f"{base.rstrip('/')}/{_OTHER_SERVICES.get(name, _SERVICES)}"


def _addresses() -> dict[str, str]:
    from obspy.clients.fdsn.header import URL_MAPPINGS

    return dict(URL_MAPPINGS)

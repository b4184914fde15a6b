"""ObsPy's FDSN client, with what it keeps to itself: how an answer was meant, and when to ask again."""

from __future__ import annotations

import email.utils
import logging
import re
import time
import urllib.request
import warnings
import zlib
from dataclasses import dataclass
from datetime import UTC
from http.client import HTTPException
from typing import Any

from obspy.clients.fdsn import Client
from obspy.clients.fdsn.header import DEFAULT_USER_AGENT, URL_MAPPINGS, FDSNException
from obspy.clients.fdsn.wadl_parser import WADLParser

from ris_core.masking import masked
from ris_core.waveforms.bounded_answer import bound
from ris_core.waveforms.stationxml import LARGEST_MB

_log = logging.getLogger(__name__)

FAILURES = (FDSNException, HTTPException, OSError, EOFError, zlib.error, NotImplementedError)
"""What a request of ObsPy's client raises where it, the network or the data centre failed."""


@dataclass
class Answer:
    """How the last request was answered: its URL, HTTP status and Retry-After in s; none where nothing was heard.

    `seconds` is the time from the last request that succeeded to the last byte of its answer.
    """

    url: str = ""
    status: int | None = None
    retry_after: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Credentials:
    """How the user is known to the data centre; its text says what there is and never what it says."""

    user: str | None = None
    password: str | None = None
    eida_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.kind})"

    @property
    def kind(self) -> str:
        """What is used, in words for an error message."""
        return "EIDA token" if self.eida_token else "user and password" if self.user else "no credentials"

    def hidden(self, text: str) -> str:
        """Return a text on one line, in which nothing secret stands."""
        text = " ".join(text.split())
        for secret in (self.password, self.eida_token):
            if secret:
                text = text.replace(" ".join(secret.split()), "***")
        return masked(text)


class FdsnClient(Client):  # type: ignore[misc]  # ObsPy has no annotations
    """ObsPy's client that notes how it was answered; for one thread at a time.

    Parameters
    ----------
    answer
        Where it is noted how the last request was answered.
    provider
        Name that ObsPy knows, or base URL.
    credentials
        As the environment gives them.
    timeout
        Silence after which a request has failed, s.
    largest_answer
        Greatest size of an answer with samples, MB; other answers may be as large as StationXML at most.

    Raises
    ------
    FDSNException, OSError
        The data centre cannot be asked which services it has.
    ValueError, FDSNNoAuthenticationServiceException
        The EIDA token is not one, or the data centre takes none.
    """

    def __init__(
        self, answer: Answer, provider: str, credentials: Credentials, timeout: float, largest_answer: float
    ) -> None:
        self._answer = answer
        self._largest_answer = largest_answer
        super().__init__(
            provider,
            user=credentials.user,
            password=credentials.password,
            eida_token=credentials.eida_token,
            timeout=timeout,
            user_agent=f"ris-dagster, {DEFAULT_USER_AGENT}",
        )

    def _set_opener(self, user: str | None, password: str | None) -> None:
        super()._set_opener(user, password)
        self._url_opener.add_handler(_Watch(self._answer, self._largest_answer))

    def _download(self, *args: Any, **kwargs: Any) -> Any:
        self._answer.status = self._answer.retry_after = None
        began = time.perf_counter()
        body = super()._download(*args, **kwargs)
        self._answer.seconds = time.perf_counter() - began
        return body

    def _discover_services(self) -> None:
        """Ask for the services that are needed.

        ObsPy's own discovery takes any error for the absence of a service, and remembers it as long as the process
        lives.
        """
        self.services = {}
        for service in ("dataselect", "station"):
            try:
                description = self._download(self._build_url(service, "application.wadl"), return_string=True)
            except FDSNException:
                if self._answer.status not in (204, 404):
                    raise
                continue
            try:
                with warnings.catch_warnings():
                    # ObsPy warns of parameters that the service lacks; only those that are used matter.
                    warnings.simplefilter("ignore")
                    parsed = WADLParser(description)
            except (SyntaxError, LookupError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
                _log.warning("%s: the %s service does not describe itself (%s)", self.base_url, service, error)
                continue
            self.services[service] = parsed.parameters
            if service == "dataselect" and parsed._has_eida_auth:
                self.services["eida-auth"] = True


def is_known(provider: str) -> bool:
    """Return whether a provider is a URL or a name that ObsPy knows."""
    return "://" in provider or provider.upper() in URL_MAPPINGS or provider.upper() == "IRIS"


def known_providers() -> list[str]:
    """Return the names that ObsPy knows."""
    return sorted(URL_MAPPINGS)


class _Watch(urllib.request.BaseHandler):
    """Sees every answer before errors are made of it, and bounds what is read of it."""

    handler_order = 100

    def __init__(self, answer: Answer, largest_answer: float) -> None:
        self._answer = answer
        self._largest_answer = largest_answer

    def http_response(self, request: Any, response: Any) -> Any:
        self._answer.url = request.full_url
        self._answer.status = response.status
        self._answer.retry_after = retry_after_seconds(response.headers.get("Retry-After"))
        samples = re.search(r"/dataselect/[^?]*/query", request.full_url)
        bound(response, self._largest_answer if samples else min(self._largest_answer, LARGEST_MB))
        return response

    https_response = http_response


def retry_after_seconds(header: str | None) -> float | None:
    """Return the wait that a Retry-After header asks for, s, be it seconds or a date; none if it says nothing."""
    if header is None:
        return None
    header = header.strip()
    if header.isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())

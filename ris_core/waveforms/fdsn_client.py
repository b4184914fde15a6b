"""Requests to the FDSN web services of one data centre: addresses, contents and failures."""

from __future__ import annotations

import email.utils
import logging
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from importlib import metadata

import httpx

from ris_core.waveforms.bounded_answer import BrokenAnswerError, beginning, whole_body
from ris_core.waveforms.fdsn_credentials import EIDA_TOKEN, Credentials
from ris_core.waveforms.fdsn_errors import DataCentreError, RequestFailedError
from ris_core.waveforms.fdsn_providers import services_url
from ris_core.waveforms.fdsn_wadl import Service, described_service
from ris_core.waveforms.stationxml import LARGEST_MB

_log = logging.getLogger(__name__)
_SAID_AT_MOST = 400
_REDIRECTS_AT_MOST = 10
_PGP = re.compile(r"BEGIN PGP (SIGNED )?MESSAGE", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """A whole body, and the time from the start of the request to its last byte, s."""

    body: bytes
    seconds: float


class FdsnClient:
    """Makes requests to dataselect and station of one data centre; for one thread at a time.

    The client looks up the services when it is made: otherwise a wrong base URL would answer 404, like a data centre
    without data. It then also exchanges an EIDA token for a login.

    Parameters
    ----------
    provider
        Name that ObsPy knows, or base URL.
    credentials
        Credentials from the environment.
    timeout
        Time without an answer after which a request has failed, s: while connecting, sending or reading.
    largest_answer
        Greatest size of an answer with samples, MB; other answers may be at most as large as StationXML.

    Raises
    ------
    RequestFailedError
        The data centre does not say which services it has, or gives no login for the token.
    AnswerTooLargeError
        An answer exceeds its limit.
    DataCentreError
        There is no dataselect service, or the provider's address, the proxy of the environment, or the EIDA token
        cannot be used.
    """

    def __init__(self, provider: str, credentials: Credentials, timeout: float, largest_answer: float) -> None:
        self.services_url = services_url(provider)
        self._largest_answer = largest_answer
        self._secrets = [credentials]
        self._login: httpx.DigestAuth | None = None
        agent = f"ris-dagster/{metadata.version('ris-dagster')} python-httpx/{httpx.__version__}"
        try:
            httpx.URL(self.services_url)
            self._http = httpx.Client(
                timeout=timeout,
                headers={"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"},
                # The certificates that the machine trusts, not those of a package.
                verify=ssl.create_default_context(),
                # Minutes may pass between two requests, and a new connection cannot have been closed in the meantime.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        except httpx.InvalidURL as error:
            raise DataCentreError(f"source.provider = {provider}: no address that can be used: {error}") from None
        except (ValueError, ImportError) as error:
            said = credentials.hidden(str(error))
            raise DataCentreError(f"{provider}: the proxy in the environment cannot be used: {said}") from None
        if credentials.user is not None and credentials.password is not None:
            self._log_in(credentials.user, credentials.password)
        self.services = self._look_up()
        if "dataselect" not in self.services:
            raise DataCentreError(
                f"{provider}: no dataselect service at {self.services_url}; source.provider must be the base URL of "
                "FDSN web services, the part before /fdsnws"
            )
        if credentials.eida_token is not None:
            self._exchange(provider, credentials.eida_token)

    def samples(self, network: str, station: str, location: str, channel: str, start: str, end: str) -> Answer:
        """Return miniSEED of one channel between two times, ISO 8601 UTC; raises `RequestFailedError`."""
        resource = "queryauth" if self._login is not None else "query"
        asked = _channel(network, station, location, channel) | {"starttime": start, "endtime": end}
        return self._get("dataselect", resource, asked, self._largest_answer)

    def responses(self, network: str, station: str, location: str, channel: str) -> Answer:
        """Return StationXML of all epochs of one channel with its responses; raises `RequestFailedError`."""
        asked = _channel(network, station, location, channel) | {"level": "response"}
        return self._get("station", "query", asked, self._largest_metadata, packed=True)

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    @property
    def _largest_metadata(self) -> float:
        return min(self._largest_answer, LARGEST_MB)

    def _url(self, service: str, resource: str) -> str:
        return f"{self.services_url}/{service}/1/{resource}"

    def _look_up(self) -> dict[str, Service]:
        found: dict[str, Service] = {}
        for name in ("dataselect", "station"):
            try:
                answer = self._get(name, "application.wadl", {}, self._largest_metadata, packed=True)
            except RequestFailedError as error:
                if error.status not in (204, 404):
                    raise
                continue
            service = described_service(answer.body)
            if service is None:
                _log.warning("%s: the %s service does not describe itself", self.services_url, name)
            else:
                found[name] = service
        return found

    def _log_in(self, user: str, password: str) -> None:
        self._secrets.append(Credentials(user, password))
        self._login = httpx.DigestAuth(user, password)

    def _exchange(self, provider: str, token: str) -> None:
        """Exchange an EIDA token for a login, always over TLS."""
        if not self.services["dataselect"].takes_tokens:
            raise DataCentreError(f"{provider}: {EIDA_TOKEN} cannot be used: its dataselect service takes no tokens")
        if not _PGP.search(token):
            raise DataCentreError(f"{provider}: {EIDA_TOKEN} cannot be used: it holds no PGP message")
        request = self._http.build_request(
            "POST",
            httpx.URL(self._url("dataselect", "auth")).copy_with(scheme="https"),
            content=token.encode(),
            headers={"Content-Type": "application/octet-stream"},
        )
        answer = self._answered(request, self._largest_metadata, follow=False)
        user, colon, password = answer.body.decode(errors="replace").strip().partition(":")
        if not colon:
            raise DataCentreError(f"{provider}: {EIDA_TOKEN} cannot be used: the data centre gave no login for it")
        self._log_in(user, password)

    def _get(
        self, service: str, resource: str, asked: Mapping[str, str], largest_mb: float, packed: bool = False
    ) -> Answer:
        headers = {"Accept-Encoding": "gzip"} if packed else {}
        request = self._http.build_request("GET", self._url(service, resource), params=dict(asked), headers=headers)
        # With a login, redirects are not followed: only the data centre itself may receive it.
        return self._answered(request, largest_mb, follow=self._login is None)

    def _answered(self, request: httpx.Request, largest_mb: float, follow: bool) -> Answer:
        """Return the whole answer to a request; raises `RequestFailedError` and `AnswerTooLargeError`."""
        began = time.perf_counter()
        response: httpx.Response | None = None
        try:
            response = self._followed(request) if follow else self._opened(request)
            if response.status_code == httpx.codes.OK:
                return Answer(whole_body(response, largest_mb), time.perf_counter() - began)
            said = f"{response.reason_phrase}: {beginning(response).decode(errors='ignore')}"
        except BrokenAnswerError as error:
            said = str(error)
        except httpx.HTTPError as error:
            said = f"{type(error).__name__}: {error}"
        # The data centre's text may repeat secrets that it received: only our own words are passed on.
        said = self._hidden(said).rstrip(": ")
        if response is None:
            raise RequestFailedError(said, str(request.url)) from None
        wanted_wait = retry_after_seconds(response.headers.get("Retry-After"))
        raise RequestFailedError(said, str(response.url), response.status_code, wanted_wait) from None

    def _followed(self, request: httpx.Request) -> httpx.Response:
        """Return the answer after all redirects; nothing of its body is read yet.

        A redirect from HTTPS to plain HTTP is not followed.
        """
        response = self._opened(request)
        for _ in range(_REDIRECTS_AT_MOST):
            following = response.next_request
            if following is None or following.url.scheme not in ("https", response.url.scheme):
                break
            response.close()
            response = self._opened(following)
        return response

    def _opened(self, request: httpx.Request) -> httpx.Response:
        """Return an answer without reading its body; if it asks for a login and there is one, log in once."""
        if self._login is None:
            return self._http.send(request, stream=True)
        exchange = self._login.auth_flow(request)
        response = self._http.send(next(exchange), stream=True)
        try:
            logged_in = exchange.send(response)
        except StopIteration:
            return response
        except (KeyError, NotImplementedError):
            _log.warning("%s asks for a kind of digest login that is not supported", self.services_url)
            return response
        response.close()
        return self._http.send(logged_in, stream=True)

    def _hidden(self, text: str) -> str:
        """Return the start of a text on one line, without secrets."""
        for secrets in self._secrets:
            text = secrets.hidden(text)
        return text[:_SAID_AT_MOST]


def _channel(network: str, station: str, location: str, channel: str) -> dict[str, str]:
    return {"network": network, "station": station, "location": location or "--", "channel": channel}


def retry_after_seconds(header: str | None) -> float | None:
    """Return the wait of a Retry-After header, s, given as seconds or as a date; none if it has no valid one."""
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

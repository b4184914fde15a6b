"""A data centre that answers FDSN web services: one request per station-day, asked again with patience."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from obspy import Inventory, Stream, UTCDateTime
from obspy.clients.fdsn.header import FDSNNoAuthenticationServiceException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ris_core.config import FdsnSettings, Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.bounded_answer import AnswerTooLargeError
from ris_core.waveforms.content import TooLargeError
from ris_core.waveforms.fdsn_client import FAILURES, Answer, Credentials, FdsnClient, is_known, known_providers
from ris_core.waveforms.fdsn_memory import Memory
from ris_core.waveforms.received import DamagedError, WrongAnswerError, inventory_of, stream_of
from ris_core.waveforms.source import Fetched
from ris_core.waveforms.stationxml import LARGEST_MB
from ris_core.waveforms.stored_response import read_stored_inventory

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

USER, PASSWORD, EIDA_TOKEN = "RIS_FDSN_USER", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN"
_HOW = f"set {USER} and {PASSWORD}, or {EIDA_TOKEN}, in the environment of every process that fetches"
_ASK_AGAIN_S = 3600.0
_DAY_S = 86_400.0
_SAID_AT_MOST = 400


class DataCentreError(OSError):
    """A data centre could not be asked, or did not give what was asked for; the message says what to do."""


class _PassingError(Exception):
    """A failure that may pass; `retry_after` is how long the data centre wants to be left alone, s."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class _NothingThereError(Exception):
    """The data centre has nothing of what was asked for."""


class _RefusedError(Exception):
    """Access is refused; the text says how to get it."""


class DataCentre:
    """Samples and metadata over FDSN web services; several threads take turns.

    Services are looked up with the first request. Credentials are read from the environment of the process that asks.
    A service that refused access, or gave up on several station-days in a row, is not asked for a while (`Memory`).
    """

    in_place = False

    def __init__(self, settings: Settings, source: FdsnSettings) -> None:
        self._settings = settings
        self._source = source
        self._answer = Answer()
        self._client: FdsnClient | None = None
        self._credentials = Credentials()
        self._metadata_asked: dict[str, float] = {}
        self._memory = {"dataselect": Memory(), "station": Memory()}
        self._turn = threading.Lock()

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of the padded day, as `request` does."""
        return self.request(station, day).stream

    def request(self, station: str, day: date) -> Fetched:
        """Return the samples of the padded day, checked, and what it took to get them; no samples where there are none.

        Raises
        ------
        DataCentreError
            After the last attempt, or at once where asking again is of no use: access refused, a request that is not
            understood, another channel or time than asked for. Without a request where access was refused or the
            service did not answer shortly before. Names provider, station-day, cause and attempts.
        """
        s = self._settings
        padding = round(s.conditioning.padding * NS)
        key = StationDay(station, day)
        start_ns, end_ns = key.start_ns - padding, key.end_ns + padding
        identifier = f"{s.network.code}.{station}.{s.location}.{s.channel}"

        def exchange(client: FdsnClient) -> tuple[Stream, int]:
            body = io.BytesIO()
            client.get_waveforms(
                s.network.code,
                station,
                s.location or "--",
                s.channel,
                UTCDateTime(ns=start_ns),
                UTCDateTime(ns=end_ns),
                filename=body,
            )
            return stream_of(body.getvalue(), identifier, start_ns, end_ns), body.tell()

        provider = self._source.provider
        try:
            with self._turn:
                (stream, size), attempts = self._ask("dataselect", station, f"{identifier} {day}", exchange)
                seconds = self._answer.seconds
        except _NothingThereError as nothing:
            return Fetched(Stream(), f"{provider} has no data for this station-day ({nothing})", provider=provider)
        return Fetched(stream, "", seconds, attempts, size, provider)

    def inventory(self, station: str) -> Inventory | None:
        """Return all epochs of the station's channel with their responses, or none where the data centre has none.

        Raises
        ------
        DataCentreError
            As `request`.
        """
        s = self._settings
        wanted = f"{s.network.code}.{station}.{s.location}.{s.channel}"

        def exchange(client: FdsnClient) -> Inventory | None:
            if "station" not in client.services:
                _log.warning("%s has no station service: %s stays without response", self._source.provider, station)
                return None
            body = io.BytesIO()
            client.get_stations(
                network=s.network.code,
                station=station,
                location=s.location or "--",
                channel=s.channel,
                level="response",
                filename=body,
            )
            return inventory_of(body.getvalue(), wanted)

        try:
            with self._turn:
                found, _ = self._ask("station", station, f"StationXML of {wanted}", exchange)
        except _NothingThereError:
            found = None
        self._metadata_asked[station] = time.monotonic()
        return found

    def newer_inventory(self, station: str, day: date, stored: Path) -> Inventory | None:
        """Return the station's metadata if those stored at a path are due to be fetched anew, else none.

        They are due where there are none, where none of their epochs holds the middle of the day, and where they are
        older than `metadata_days`; and at most once an hour. If that fails, stored metadata of the day stay in use.
        """
        asked = self._metadata_asked.get(station)
        if asked is not None and time.monotonic() - asked < _ASK_AGAIN_S:
            return None
        covers = stored.exists() and self._covers(stored, station, day)
        if covers and time.time() - stored.stat().st_mtime < self._source.metadata_days * _DAY_S:
            return None
        try:
            return self.inventory(station)
        except DataCentreError as error:
            if not covers:
                raise
            self._metadata_asked[station] = time.monotonic()
            _log.warning("%s stays in use: %s", stored, error)
            return None

    def _covers(self, stored: Path, station: str, day: date) -> bool:
        s = self._settings
        middle = UTCDateTime(ns=StationDay(station, day).start_ns) + _DAY_S / 2
        try:
            stored_inventory = read_stored_inventory(stored)
        except (DamagedFileError, TooLargeError):
            return False
        found = stored_inventory.select(
            network=s.network.code, station=station, location=s.location, channel=s.channel, time=middle
        )
        return bool(found.networks)

    def _ask(self, service: str, station: str, what: str, exchange: Callable[[FdsnClient], _T]) -> tuple[_T, int]:
        """Return what an exchange with a service gives, and the number of attempts."""
        source, memory = self._source, self._memory[service]
        if why := memory.hopeless(station):
            raise DataCentreError(f"{source.provider}, {what}: {why}")
        own = wait_exponential_jitter(initial=source.first_wait, max=source.longest_wait, jitter=source.first_wait)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, _PassingError) else None
            return own(state) if asked is None else max(own(state), min(asked, source.longest_retry_after))

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            pause = state.next_action.sleep if state.next_action else 0.0
            _log.warning(
                "%s, %s: attempt %d of %d failed: %s; waiting %.1f s",
                *(source.provider, what, state.attempt_number, source.attempts, error, pause),
            )

        retrying = Retrying(
            stop=stop_after_attempt(source.attempts),
            wait=wait,
            retry=retry_if_exception_type(_PassingError),
            before_sleep=tell,
            reraise=True,
        )
        try:
            value = retrying(self._once, what, exchange)
        except _PassingError as error:
            if isinstance(error.__cause__, DamagedError):
                # The service works; it is this station-day that is broken there.
                memory.answered()
            else:
                memory.given_up(str(error))
            raise DataCentreError(
                f"{source.provider}, {what}: given up after {source.attempts} attempt(s): {error}"
            ) from error
        except _RefusedError as error:
            memory.refused(station, str(error))
            raise DataCentreError(f"{source.provider}, {what}: {error}") from None
        except (_NothingThereError, DataCentreError):
            memory.answered()
            raise
        memory.answered()
        return value, int(retrying.statistics["attempt_number"])

    def _once(self, what: str, exchange: Callable[[FdsnClient], _T]) -> _T:
        fresh = self._client is None
        try:
            client = self._client = self._client or self._connected()
            return exchange(client)
        except DamagedError as error:
            raise _PassingError(str(error)) from error
        except WrongAnswerError as error:
            raise DataCentreError(f"{self._source.provider}, {what}: {error}") from error
        except AnswerTooLargeError as error:
            limits = f"source.largest_answer; StationXML at most {LARGEST_MB:g} MB"
            raise DataCentreError(f"{self._source.provider}, {what}: {error} ({limits})") from error
        except FAILURES as error:
            if isinstance(error, DataCentreError):
                raise
            # What the data centre said may repeat what it was sent, secrets included: nothing but our words goes on.
            raise self._judged(what, error, fresh) from None

    def _connected(self) -> FdsnClient:
        provider = self._source.provider
        if not is_known(provider):
            raise DataCentreError(
                f"source.provider = {provider}: ObsPy knows no such data centre; give a base URL or one of "
                f"{', '.join(known_providers())}"
            )
        self._credentials = credentials_from_environment(provider)
        try:
            client = FdsnClient(
                self._answer, provider, self._credentials, self._source.timeout, self._source.largest_answer
            )
        except (ValueError, FDSNNoAuthenticationServiceException) as error:
            raise DataCentreError(f"{provider}: {EIDA_TOKEN} cannot be used: {self._said(error)}") from None
        if "dataselect" not in client.services:
            raise DataCentreError(
                f"{provider}: no dataselect service at {client.base_url}; source.provider must be the base URL of FDSN "
                "web services, the part before /fdsnws"
            )
        return client

    def _judged(self, what: str, error: Exception, fresh: bool) -> Exception:
        """Return what a failed request means: it may pass, there is nothing, or asking again is of no use."""
        provider, status, said = self._source.provider, self._answer.status, self._said(error)
        if status in (204, 404) and self._client is not None:
            return _NothingThereError(f"HTTP {status}")
        if status in (401, 403):
            return self._refused(fresh)
        if status in (408, 413, 429) or (status is not None and status >= 500):
            return _PassingError(f"HTTP {status}: {said}", self._answer.retry_after)
        if status is not None and (status >= 300 or status == 204):
            return DataCentreError(f"{provider}, {what}: HTTP {status} for {self._answer.url}: {said}")
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return DataCentreError(f"{provider}, {what}: the data centre's certificate is not trusted: {said}")
        return _PassingError(said)

    def _refused(self, fresh: bool) -> Exception:
        status = self._answer.status
        if self._credentials.eida_token and not fresh:
            # What an EIDA token was exchanged for is valid for a while only.
            self._client = None
            return _PassingError(f"HTTP {status}, what the EIDA token was exchanged for may have expired", 0.0)
        return _RefusedError(
            f"access refused (HTTP {status}), asked with {self._credentials.kind}. "
            f"Network {self._settings.network.code} may be restricted there; {_HOW}"
        )

    def _said(self, error: Exception) -> str:
        """Return an error on one line, without secrets."""
        name, text = type(error).__name__, self._credentials.hidden(str(error))[:_SAID_AT_MOST]
        return f"{name}: {text}" if text else name


def credentials_from_environment(provider: str) -> Credentials:
    """Return the credentials that the environment holds; raises `DataCentreError` where they contradict each other."""
    user, password, token = (os.environ.get(name) or None for name in (USER, PASSWORD, EIDA_TOKEN))
    if (user is None) != (password is None):
        given, absent = (USER, PASSWORD) if user else (PASSWORD, USER)
        raise DataCentreError(f"{provider}: {given} is set, but {absent} is not; set both or none")
    if user and token:
        raise DataCentreError(f"{provider}: both {USER} and {EIDA_TOKEN} are set; only one can be used")
    # A text of several lines is no path, and may be too long for one.
    if token and "\n" not in token.strip():
        try:
            token = Path(token).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            # The error would repeat the value, which may be a token after all.
            raise DataCentreError(
                f"{provider}: {EIDA_TOKEN} is neither the text of a token nor a file that can be read "
                f"({type(error).__name__})"
            ) from None
    return Credentials(user, password, token)

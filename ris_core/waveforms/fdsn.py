"""A data centre with FDSN web services: one request per station-day, repeated after failures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from obspy import Inventory, Stream, UTCDateTime
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ris_core.config import FdsnSettings, Settings
from ris_core.contracts.acquisition import Exchange
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import NS, StationDay
from ris_core.contracts.waveform_source import Fetched
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.bounded_answer import AnswerTooLargeError
from ris_core.waveforms.content import TooLargeError
from ris_core.waveforms.fdsn_client import FdsnClient
from ris_core.waveforms.fdsn_credentials import HOW_TO_GIVE_THEM, Credentials, credentials_from_environment
from ris_core.waveforms.fdsn_errors import (
    DataCentreError,
    NothingThereError,
    PassingError,
    RefusedError,
    RequestFailedError,
)
from ris_core.waveforms.fdsn_memory import Memory
from ris_core.waveforms.fdsn_providers import is_known, known_providers
from ris_core.waveforms.received import DamagedError, WrongAnswerError, inventory_of, stream_of
from ris_core.waveforms.stationxml import LARGEST_MB
from ris_core.waveforms.stored_response import read_stored_inventory

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ASK_AGAIN_S = 3600.0
_DAY_S = 86_400.0


class _Session:
    """What the requests for all channels of a network share: connection, login, what is known of the services."""

    def __init__(self) -> None:
        self.client: FdsnClient | None = None
        self.credentials = Credentials()
        self.metadata_asked: dict[str, float] = {}
        self.memory = {"dataselect": Memory(), "station": Memory()}
        self.turn = threading.Lock()


class DataCentre:
    """Samples of one channel, and metadata of all, over FDSN web services; several threads take turns.

    Services are looked up with the first request. Credentials are read from the environment of the requesting process.
    A service that refused access, or failed for several station-days in a row, gets no requests for a while (`Memory`).

    Parameters
    ----------
    settings, source
        The network's settings, and their source.
    channel
        The channel of the samples; by default that of detections.
    session
        That of another channel of the same network.
    """

    in_place = False

    def __init__(
        self, settings: Settings, source: FdsnSettings, channel: str | None = None, session: _Session | None = None
    ) -> None:
        self._settings = settings
        self._source = source
        self._channel = channel or settings.channel
        self._session = session or _Session()

    def of_channel(self, code: str) -> DataCentre:
        """Return the same data centre for samples of another channel; both take turns."""
        return DataCentre(self._settings, self._source, code, self._session)

    def fetch(self, station: str, day: date) -> Stream:
        """Return the samples of the padded day, as `request` does."""
        return self.request(station, day).stream

    def request(self, station: str, day: date) -> Fetched:
        """Return the checked samples of the padded day, if there are any, and figures of the request.

        Raises
        ------
        DataCentreError
            After the last attempt, or at once if a repetition is useless: access refused, a request that is not
            understood, another channel or time than requested. Without a request if access was refused or the service
            did not answer shortly before. Names provider, station-day, cause and attempts.
        """
        s = self._settings
        padding = round(s.conditioning.padding * NS)
        key = StationDay(station, day)
        start_ns, end_ns = key.start_ns - padding, key.end_ns + padding
        identifier = str(SeedId(s.network.code, station, s.location, self._channel))

        def exchange(client: FdsnClient) -> tuple[Stream, int, float]:
            window = (str(UTCDateTime(ns=ns)).removesuffix("Z") for ns in (start_ns, end_ns))
            answer = client.samples(s.network.code, station, s.location, self._channel, *window)
            return stream_of(answer.body, identifier, start_ns, end_ns), len(answer.body), answer.seconds

        provider = self._source.provider
        try:
            with self._session.turn:
                (stream, size, seconds), attempts = self._ask("dataselect", station, f"{identifier} {day}", exchange)
        except NothingThereError as nothing:
            reason = f"{provider} has no data for this station-day ({nothing})"
            return Fetched(Stream(), reason, Exchange(provider))
        return Fetched(stream, exchange=Exchange(provider, seconds, attempts, size))

    def inventory(self, station: str) -> Inventory | None:
        """Return all epochs of the station's channels with their responses, or none if the data centre has none.

        All channels are requested at once. If the data centre describes only some of them, a warning names the others.

        Raises
        ------
        DataCentreError
            See `request`.
        """
        s = self._settings
        wanted = [str(seed_id) for seed_id in s.seed_ids(station)]
        channels = ",".join(s.channels)

        def exchange(client: FdsnClient) -> Inventory | None:
            if "station" not in client.services:
                _log.warning("%s has no station service: %s stays without response", self._source.provider, station)
                return None
            return inventory_of(client.responses(s.network.code, station, s.location, channels).body, wanted)

        try:
            with self._session.turn:
                found, _ = self._ask("station", station, f"StationXML of {', '.join(wanted)}", exchange)
        except NothingThereError:
            found = None
        self._session.metadata_asked[station] = time.monotonic()
        if found is not None and (lacking := sorted(set(wanted) - set(found.get_contents()["channels"]))):
            _log.warning("%s has no StationXML of %s", self._source.provider, ", ".join(lacking))
        return found

    def newer_inventory(self, station: str, day: date, stored: Path) -> Inventory | None:
        """Return the station's metadata if those stored at a path must be fetched again, else none.

        They must if they do not exist, if a channel has no epoch that contains the middle of the day, or if they are
        older than `metadata_days`; but at most once an hour. If that fails, stored metadata of the day stay in use.
        """
        asked = self._session.metadata_asked.get(station)
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
            self._session.metadata_asked[station] = time.monotonic()
            _log.warning("%s stays in use: %s", stored, error)
            return None

    def _covers(self, stored: Path, station: str, day: date) -> bool:
        s = self._settings
        middle = UTCDateTime(ns=StationDay(station, day).start_ns) + _DAY_S / 2
        try:
            stored_inventory = read_stored_inventory(stored)
        except (DamagedFileError, TooLargeError):
            return False
        return all(
            stored_inventory.select(
                network=s.network.code, station=station, location=s.location, channel=code, time=middle
            ).networks
            for code in s.channels
        )

    def _ask(self, service: str, station: str, what: str, exchange: Callable[[FdsnClient], _T]) -> tuple[_T, int]:
        """Return the result of an exchange with a service, and the number of attempts."""
        source, memory = self._source, self._session.memory[service]
        if why := memory.hopeless(station):
            raise DataCentreError(f"{source.provider}, {what}: {why}")
        own = wait_exponential_jitter(initial=source.first_wait, max=source.longest_wait, jitter=source.first_wait)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, PassingError) else None
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
            retry=retry_if_exception_type(PassingError),
            before_sleep=tell,
            reraise=True,
        )
        try:
            value = retrying(self._once, what, exchange)
        except PassingError as error:
            if isinstance(error.__cause__, DamagedError):
                # The service works; only this station-day is broken there.
                memory.answered()
            else:
                memory.given_up(str(error))
            raise DataCentreError(
                f"{source.provider}, {what}: given up after {source.attempts} attempt(s): {error}"
            ) from error
        except RefusedError as error:
            memory.refused(station, str(error))
            raise DataCentreError(f"{source.provider}, {what}: {error}") from None
        except (NothingThereError, DataCentreError):
            memory.answered()
            raise
        memory.answered()
        return value, int(retrying.statistics["attempt_number"])

    def _once(self, what: str, exchange: Callable[[FdsnClient], _T]) -> _T:
        session = self._session
        fresh = session.client is None
        try:
            client = session.client = session.client or self._connected()
            return exchange(client)
        except DamagedError as error:
            raise PassingError(str(error)) from error
        except WrongAnswerError as error:
            raise DataCentreError(f"{self._source.provider}, {what}: {error}") from error
        except AnswerTooLargeError as error:
            limits = f"source.largest_answer; StationXML at most {LARGEST_MB:g} MB"
            raise DataCentreError(f"{self._source.provider}, {what}: {error} ({limits})") from error
        except RequestFailedError as error:
            raise self._judged(what, error, fresh) from None

    def _connected(self) -> FdsnClient:
        source = self._source
        if not is_known(source.provider):
            raise DataCentreError(
                f"source.provider = {source.provider}: ObsPy knows no such data centre; give a base URL or one of "
                f"{', '.join(known_providers())}"
            )
        self._session.credentials = credentials_from_environment(source.provider)
        return FdsnClient(source.provider, self._session.credentials, source.timeout, source.largest_answer)

    def _judged(self, what: str, error: RequestFailedError, fresh: bool) -> Exception:
        """Return the meaning of a failed request: it may be temporary, there are no data, or repetition is useless."""
        provider, status = self._source.provider, error.status
        if status in (204, 404) and self._session.client is not None:
            return NothingThereError(f"HTTP {status}")
        if status in (401, 403):
            return self._refused(status, fresh)
        if status in (408, 413, 429) or (status is not None and status >= 500):
            return PassingError(f"HTTP {status}: {error}", error.retry_after)
        if status is not None and (status >= 300 or status == 204):
            return DataCentreError(f"{provider}, {what}: HTTP {status} for {error.url}: {error}")
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return DataCentreError(f"{provider}, {what}: the data centre's certificate is not trusted: {error}")
        return PassingError(str(error))

    def _refused(self, status: int, fresh: bool) -> Exception:
        session = self._session
        if session.credentials.eida_token and session.client is not None and not fresh:
            # The login that was received for an EIDA token is only valid for a while.
            session.client.close()
            session.client = None
            return PassingError(f"HTTP {status}, what the EIDA token was exchanged for may have expired", 0.0)
        return RefusedError(
            f"access refused (HTTP {status}), asked with {session.credentials.kind}. "
            f"Network {self._settings.network.code} may be restricted there; {HOW_TO_GIVE_THEM}"
        )

"""Acquisition from a real FDSN server on loopback, and from one that misbehaves."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fdsn_faults as faults
import fdsn_server as server
import numpy as np
import pytest
from fdsn_archive import Epoch, station_xml, write_days
from fdsn_server import Proxy
from obspy import Trace, UTCDateTime, read_inventory
from stage_steps import acquire_one, acquisition_of, days_at, stored_segments
from store import Store

from bench.ports import free_ports
from ris_core.config import Settings
from ris_core.contracts.acquisition import Acquisition, Exchange, SamplesAt
from ris_core.contracts.outcome import Made, Outcome
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.open_source import open_source
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.waveforms.source_check import check_source
from ris_dagster.resources.compute import Compute

RATE = 10.0
DAY, NEXT = date(2015, 1, 10), date(2015, 1, 11)
KEY, NEXT_KEY, EMPTY_KEY = StationDay("S01", DAY), StationDay("S01", NEXT), StationDay("S02", DAY)
EPOCHS = (Epoch("2014-01-01", "2015-01-11"), Epoch("2015-01-11", None, gain=2e9))
SECRETS = ("RIS_FDSN_USER", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN")

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Day files of S01 from 23:00 of the day before KEY to 01:00 of the day after NEXT_KEY; S02 has none."""
    root = tmp_path_factory.mktemp("archive")
    start = UTCDateTime(2015, 1, 9, 23)
    samples = np.random.default_rng(0).normal(0, 100, round(50 * 3600 * RATE)).astype(np.int32)
    header = {"network": "XX", "station": "S01", "channel": "HHZ", "sampling_rate": RATE, "starttime": start}
    write_days(root, Trace(samples, header))
    return root


@pytest.fixture(scope="module")
def upstream(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with server.dataselect(tmp_path_factory.mktemp("dataselect"), archive) as port:
        yield port


@pytest.fixture
def proxy(upstream: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with server.proxied(upstream) as proxy:
        proxy.stations["S01"] = station_xml("XX", "S01", EPOCHS, rate=RATE)
        yield proxy


def settings_of(proxy: Proxy, **source: Any) -> Settings:
    quick = {"first_wait": 0.01, "longest_wait": 0.05, "timeout": 20, "attempts": 3}
    return Settings.model_validate(
        {
            "network": {"name": "far", "code": "XX"},
            "stations": [{"code": "S01"}, {"code": "S02"}],
            "first_day": "2015-01-09",
            "last_day": "2015-01-12",
            "source": {"kind": "fdsn", "provider": proxy.url, **quick, **source},
        }
    )


def store_of(proxy: Proxy, root: Path, **source: Any) -> Store:
    return Store(settings_of(proxy, **source), root / "data")


def acquire(store: Store, key: StationDay = KEY) -> Outcome[Acquisition]:
    """Acquire as a worker does, to which settings come as JSON."""
    return run_station_day(StageTask("acquire", store.settings.model_dump_json(), str(store.root)), key)


def good(outcome: Outcome[Acquisition]) -> Made[Acquisition]:
    assert outcome.made is not None, outcome.trace
    return outcome.made


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_station_day_comes_by_one_request_with_its_padding_and_not_a_sample_more(proxy, tmp_path, archive):
    store = store_of(proxy, tmp_path)
    record = good(acquire(store)).result
    (query,) = proxy.asked("dataselect")
    assert (query["network"], query["station"], query["location"], query["channel"]) == ("XX", "S01", "--", "HHZ")
    assert query["starttime"].startswith("2015-01-09T23:55:00")
    assert query["endtime"].startswith("2015-01-11T00:05:00")
    (segment,) = stored_segments(store, KEY)
    assert (segment.start_ns, segment.end_ns) == (KEY.start_ns - 300 * 10**9, KEY.end_ns + 300 * 10**9)
    assert (segment.opens_window, segment.closes_window) == (True, True)
    assert (record.has_data, record.quality.coverage, record.quality.samples) == (True, 1.0, 864_000)
    assert (record.exchange.provider, record.exchange.attempts) == (proxy.url, 1)
    assert record.exchange.request_seconds > 0
    assert record.exchange.received_bytes > 870_000
    assert record.size == store.waveform(KEY).stat().st_size
    stored = acquisition_of(store, KEY)
    assert stored is not None and stored.exchange.request_seconds == record.exchange.request_seconds
    in_place = Settings.model_validate(store.settings.model_dump() | {"source": {"kind": "sds", "root": str(archive)}})
    read_in_place = acquire_one(Store(in_place, tmp_path / "in_place"), KEY).result
    assert read_in_place.content == record.content
    assert read_in_place.exchange == Exchange(None, None, None, None)


def test_services_are_looked_up_once_and_each_station_is_described_once(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    for key in (KEY, NEXT_KEY, EMPTY_KEY):
        good(acquire(store, key))
    asked = [(r.service, r.resource) for r in proxy.requests]
    assert sorted(asked) == [
        ("dataselect", "application.wadl"),
        *[("dataselect", "query")] * 3,
        ("station", "application.wadl"),
        ("station", "query"),
    ]
    (query,) = proxy.asked("station")
    assert (query["level"], query["station"], query["location"]) == ("response", "S01", "--")
    assert "starttime" not in query
    assert all("ris-dagster" in r.user_agent for r in proxy.requests)


def test_what_is_there_is_not_asked_for_again(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    for key in (KEY, EMPTY_KEY):
        good(acquire(store, key))
    before = files(store.root)
    again = Store(store.settings, store.root)
    source = open_source(store.settings)
    for key in (KEY, EMPTY_KEY, NEXT_KEY):
        acquire_one(again, key, source)
    assert [q["starttime"][:10] for q in proxy.asked("dataselect")] == ["2015-01-09", "2015-01-09", "2015-01-10"]
    assert before.items() <= files(store.root).items()


PASSING = {
    "reset": faults.reset,
    "truncated": faults.truncate,
    "too large": faults.status(413),
    "too many": faults.status(429),
    "broken": faults.status(500, "it broke"),
    "gateway": faults.status(502),
    "busy": faults.status(503, "come later"),
    "gateway time-out": faults.status(504),
    "damaged record": faults.changed(faults.damaged_record),
    "lost record": faults.changed(faults.lost_record),
    "ends in a record": faults.changed(faults.ended_early),
    "empty": faults.changed(lambda _: b""),
    "a page": faults.changed(lambda _: b"<html>We are moving house</html>" * 100),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_asked_for_again(fault, proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", fault, fault)
    record = good(acquire(store)).result
    assert (record.exchange.attempts, record.quality.samples) == (3, 864_000)
    assert len(proxy.asked("dataselect")) == 3


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(proxy, tmp_path, caplog):
    store = store_of(proxy, tmp_path, timeout=6.0)
    proxy.next("dataselect", faults.silent)
    assert good(acquire(store)).result.exchange.attempts == 2
    assert "attempt 1 of 3 failed: ReadTimeout" in caplog.text


@pytest.mark.parametrize(
    ("fault", "passing", "cause"),
    [
        (faults.reset, True, "reset"),
        (faults.truncate, True, "without sending complete message body"),
        (faults.status(503, "come later"), True, "HTTP 503: .*come later"),
        (faults.status(429), True, "HTTP 429"),
        (faults.changed(faults.damaged_record), True, "do not decode as miniSEED"),
        (faults.changed(faults.ended_early), True, "belong to no whole miniSEED record"),
        (faults.changed(faults.in_channel("HHN")), False, r"requested XX\.S01\.\.HHZ, but received XX\.S01\.\.HHN"),
        (faults.changed(faults.in_year(2013)), False, "but received samples of 2013-01-0.*"),
        (faults.status(400, "no such parameter"), False, "HTTP 400 for http.*query.*starttime.*no such parameter"),
        (faults.status(403), False, "access refused"),
    ],
    ids=["reset", "truncated", "503", "429", "damaged", "cut", "channel", "time", "400", "403"],
)
def test_a_failure_names_provider_station_day_and_cause_and_what_stood_before_stays(
    fault, passing, cause, proxy, tmp_path
):
    store = store_of(proxy, tmp_path)
    good(acquire(store))
    before = files(store.root)
    wider = Store(Settings.model_validate(store.settings.model_dump() | {"conditioning": {"padding": 200}}), store.root)
    proxy.always("dataselect", fault)
    outcome = acquire(wider)
    assert outcome.made is None
    assert outcome.error.startswith(f"DataCentreError: {proxy.url}, XX.S01..HHZ 2015-01-10: ")
    assert re.search(cause, outcome.error)
    assert files(store.root) == before
    given_up = "given up after 3 attempt(s)" in outcome.error
    assert len(proxy.asked("dataselect")) == 1 + (3 if given_up else 1)
    assert given_up == passing


def waits(caplog: pytest.LogCaptureFixture) -> list[float]:
    """Return the pauses that were announced, s."""
    return [float(found[1]) for r in caplog.records if (found := re.search(r"waiting ([\d.]+) s", r.getMessage()))]


def test_the_data_centres_own_wait_is_kept(proxy, tmp_path, caplog):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.status(429, retry_after="1"))
    began = time.monotonic()
    assert good(acquire(store)).result.exchange.attempts == 2
    assert time.monotonic() - began > 0.9
    (wait,) = waits(caplog)
    assert wait > 0.9


def test_the_data_centre_is_not_asked_before_the_date_that_it_names(proxy, tmp_path):
    store, until = store_of(proxy, tmp_path), []
    proxy.next("dataselect", faults.busy(2.5, until))
    assert good(acquire(store)).result.exchange.attempts == 2
    assert datetime.now(UTC) >= until[0]


def test_the_data_centres_own_wait_has_a_limit(proxy, tmp_path, caplog):
    store = store_of(proxy, tmp_path, longest_retry_after=0.3)
    proxy.next("dataselect", faults.status(503, retry_after="86400"), faults.busy(86_400, [], 429))
    assert good(acquire(store)).result.exchange.attempts == 3
    assert waits(caplog) == [0.3, 0.3]


def test_waits_grow_to_their_limit(proxy, tmp_path, caplog):
    store = store_of(proxy, tmp_path, attempts=5, first_wait=0.1, longest_wait=0.4)
    proxy.always("dataselect", faults.reset)
    assert acquire(store).made is None
    found = waits(caplog)
    assert len(found) == 4
    assert 0.1 <= found[0] <= 0.2
    assert found[-1] == 0.4
    assert found == sorted(found)


@pytest.mark.parametrize("code", [204, 404])
def test_a_day_that_the_data_centre_does_not_have_is_a_recorded_result(code, proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.status(code))
    record = good(acquire(store)).result
    assert (record.has_data, record.samples_at, record.size) == (False, SamplesAt.NOWHERE, 0)
    assert record.reason == f"{proxy.url} has no data for this station-day (HTTP {code})"
    assert record.exchange.provider == proxy.url
    assert not proxy.asked("station")
    assert good(acquire(store)).already_current


def test_the_server_itself_says_when_it_has_nothing(proxy, tmp_path):
    record = good(acquire(store_of(proxy, tmp_path), EMPTY_KEY)).result
    assert record.reason.endswith("(HTTP 204)")


def test_a_stored_day_that_the_data_centre_has_no_more_stays_and_says_so(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    first = good(acquire(store)).result
    samples = store.waveform(KEY).read_bytes()
    proxy.next("dataselect", faults.status(204))
    second = acquire_one(store, KEY, again=True).result
    assert (second.has_data, second.content) == (True, first.content)
    assert second.reason == f"kept: {proxy.url} has no data for this station-day (HTTP 204)"
    assert store.waveform(KEY).read_bytes() == samples
    assert good(acquire(store)).already_current
    # Who wants it gone removes the file.
    store.waveform(KEY).unlink()
    proxy.next("dataselect", faults.status(204))
    assert not good(acquire(store)).result.has_data


def test_a_dropped_raw_file_is_fetched_again_or_said_to_be_gone(proxy, tmp_path):
    values = settings_of(proxy).model_dump() | {"retention": {"raw": "drop_after_processing"}}
    store = Store(Settings.model_validate(values), tmp_path / "data")
    good(acquire(store))
    store.waveform(KEY).unlink()
    proxy.next("dataselect", faults.status(204))
    with pytest.raises(FileNotFoundError, match="the source no longer has samples"):
        stored_segments(store, KEY)
    assert len(stored_segments(store, KEY)) == 1
    assert store.waveform(KEY).exists()


def everywhere(root: Path, outcome: Outcome[Acquisition], caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was written, said or logged."""
    stored = "".join(content.decode("latin-1") for content in files(root).values())
    logged = "".join(r.getMessage() + str(r.exc_info) for r in caplog.records)
    return f"{stored}{logged}{outcome}"


@pytest.mark.parametrize("right", [True, False])
def test_credentials_come_from_the_environment_and_end_nowhere(right, proxy, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    user, password = proxy.login[0], proxy.login[1] if right else "not-the-password"
    monkeypatch.setenv("RIS_FDSN_USER", user)
    monkeypatch.setenv("RIS_FDSN_PASSWORD", password)
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.status(503, f"busy, {user} with {password}"))
    outcome = acquire(store)
    assert proxy.asked("dataselect", "queryauth")
    assert not proxy.asked("dataselect", "query")
    if right:
        assert good(outcome).result.has_data
    else:
        assert "access refused (HTTP 401), asked with user and password" in outcome.error
        assert "Network XX" in outcome.error
        assert "RIS_FDSN_USER" in outcome.error
    assert password not in everywhere(tmp_path, outcome, caplog)
    assert password not in store.settings.model_dump_json()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(code, proxy, upstream, tmp_path):
    with server.proxied(upstream) as new:
        proxy.always("wadl", faults.moved(new.url, code))
        proxy.always("dataselect", faults.moved(new.url, code))
        assert good(acquire(store_of(proxy, tmp_path))).result.quality.samples == 864_000
        assert len(new.asked("dataselect")) == 1


def test_a_redirect_in_a_circle_is_an_error_at_once(proxy, tmp_path):
    proxy.always("dataselect", faults.moved(proxy.url))
    assert "HTTP 302 for " in acquire(store_of(proxy, tmp_path)).error
    assert len(proxy.asked("dataselect")) == 11


def test_with_a_login_nobody_else_is_asked(proxy, upstream, tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_FDSN_USER", proxy.login[0])
    monkeypatch.setenv("RIS_FDSN_PASSWORD", proxy.login[1])
    with server.proxied(upstream) as stranger:
        proxy.next("dataselect", faults.moved(stranger.url))
        assert "HTTP 302 for " in acquire(store_of(proxy, tmp_path)).error
        assert stranger.requests == []


def test_a_refusal_is_read_up_to_its_limit_only_even_if_it_asks_for_a_login(proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_FDSN_USER", proxy.login[0])
    monkeypatch.setenv("RIS_FDSN_PASSWORD", "not-the-password")
    challenge = {"WWW-Authenticate": 'Digest realm="FDSN", qop="auth", nonce="0", algorithm=MD5'}
    proxy.always("dataselect", faults.endless(code=401, headers=challenge))
    assert "access refused (HTTP 401)" in acquire(store_of(proxy, tmp_path)).error


@pytest.mark.parametrize("how", ['qop="auth-int", algorithm=MD5', 'qop="auth", algorithm=WHIRLPOOL'])
def test_a_login_of_another_kind_is_a_refusal(how, proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_FDSN_USER", proxy.login[0])
    monkeypatch.setenv("RIS_FDSN_PASSWORD", proxy.login[1])
    proxy.always("dataselect", faults.status(401, www_authenticate=f'Digest realm="FDSN", nonce="0", {how}'))
    assert "access refused (HTTP 401)" in acquire(store_of(proxy, tmp_path)).error


def test_a_proxy_that_cannot_be_used_is_named(proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("all_proxy", "gopher://me:my-secret@127.0.0.1:1")
    outcome = acquire(store_of(proxy, tmp_path))
    assert "the proxy in the environment cannot be used" in outcome.error
    assert "my-secret" not in str(outcome)


def test_refused_without_credentials_says_how_to_give_them(proxy, tmp_path):
    proxy.next("dataselect", faults.status(401))
    outcome = acquire(store_of(proxy, tmp_path))
    assert len(proxy.asked("dataselect")) == 1
    for word in (proxy.url, "HTTP 401", "no credentials", "Network XX", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN"):
        assert word in outcome.error


@pytest.mark.parametrize("code", [401, 403])
def test_a_station_that_is_refused_is_not_asked_for_again_by_the_same_process(code, proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.status(code))
    first = acquire(store)
    others = [acquire(store, key) for key in (NEXT_KEY, KEY)]
    assert len(proxy.asked("dataselect")) == 1
    cause = first.error.split(": ", 2)[2]
    for outcome in others:
        assert outcome.error.startswith(f"DataCentreError: {proxy.url}, XX.{outcome.key.station}..HHZ ")
        assert cause in outcome.error
        assert re.search(r"this process asks again in (600|599|59\d) s", outcome.error)
    # Another process has another memory.
    assert acquire_one(store, KEY, open_source(store.settings)).result.has_data


def days_of(store: Store, *days: int) -> list[Outcome[Acquisition]]:
    return [acquire(store, StationDay("S01", date(2015, 1, day))) for day in days]


@pytest.mark.parametrize("fault", [faults.status(503), faults.reset], ids=["503", "reset"])
def test_a_data_centre_that_does_not_answer_is_left_alone_after_three_station_days(fault, proxy, tmp_path):
    store = store_of(proxy, tmp_path, attempts=2)
    proxy.always("dataselect", fault)
    outcomes = days_of(store, 9, 10, 11, 12)
    assert len(proxy.asked("dataselect")) == 3 * 2
    assert all("given up after 2 attempt(s)" in o.error for o in outcomes[:3])
    assert "2015-01-12: not asked, since 3 station-days in a row were given up" in outcomes[3].error
    assert re.search(r"this process asks again in (300|29\d) s", outcomes[3].error)
    proxy.well()
    assert acquire_one(store, KEY, open_source(store.settings)).result.has_data


def test_a_success_in_between_shows_that_a_data_centre_answers(proxy, tmp_path):
    store = store_of(proxy, tmp_path, attempts=1)
    proxy.next("dataselect", *[faults.reset] * 2)
    assert [o.made is None for o in days_of(store, 9, 10, 11)] == [True, True, False]
    proxy.next("dataselect", *[faults.reset] * 2)
    assert [o.made is None for o in days_of(store, 9, 10, 12)] == [True, True, False]


def test_days_that_are_broken_at_the_data_centre_do_not_count_as_silence(proxy, tmp_path):
    store = store_of(proxy, tmp_path, attempts=1)
    proxy.next("dataselect", *[faults.changed(faults.ended_early)] * 3)
    assert [o.made is None for o in days_of(store, 9, 10, 11, 12)] == [True, True, True, False]


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the program openssl, which makes a certificate, is missing"
)
@pytest.mark.parametrize("how", ["file", "text"])
def test_an_eida_token_is_exchanged_anew_when_its_login_expires(how, upstream, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text(server.TOKEN, encoding="utf-8")
    certificate = server.self_signed(tmp_path)
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("RIS_FDSN_EIDA_TOKEN", str(tmp_path / "token") if how == "file" else server.TOKEN)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server.proxied(upstream, certificate) as proxy:
        proxy.stations["S01"] = station_xml("XX", "S01", EPOCHS, rate=RATE)
        store = store_of(proxy, tmp_path)
        good(acquire(store))
        proxy.login = ("member", "another-password")
        outcome = acquire(store, NEXT_KEY)
        assert good(outcome).result.exchange.attempts == 2
        assert len(proxy.asked("dataselect", "auth")) == 2
        said = everywhere(store.root, outcome, caplog)
        assert "the-token-of-a-member" not in said
        assert "another-password" not in said

        monkeypatch.setenv("RIS_FDSN_EIDA_TOKEN", server.TOKEN.replace("a-member", "a-stranger"))
        stranger = acquire(store_of(proxy, tmp_path / "other"))
        assert "HTTP 400" in stranger.error
        assert "a-stranger" not in everywhere(tmp_path / "other", stranger, caplog)


def test_a_certificate_that_is_not_trusted_is_said_at_once(upstream, tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl, which makes a certificate, is missing")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with server.proxied(upstream, server.self_signed(tmp_path)) as proxy:
        assert "certificate is not trusted" in acquire(store_of(proxy, tmp_path)).error


def test_a_redirect_from_tls_to_plain_http_is_not_followed(proxy, upstream, tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl, which makes a certificate, is missing")
    certificate = server.self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server.proxied(upstream, certificate) as secure:
        secure.always("dataselect", faults.moved(proxy.url))
        assert "HTTP 302 for https://" in acquire(store_of(secure, tmp_path)).error
        assert proxy.requests == []


def test_all_epochs_of_a_station_are_stored_and_fetched_anew_when_a_day_lies_outside_them(proxy, tmp_path):
    proxy.stations["S01"] = station_xml("XX", "S01", EPOCHS[:1], rate=RATE)
    store = store_of(proxy, tmp_path)
    good(acquire(store))
    proxy.stations["S01"] = station_xml("XX", "S01", EPOCHS, rate=RATE)
    # Another process, so another look: one process does not ask for the same station twice within the hour.
    acquire_one(store, NEXT_KEY, open_source(store.settings))
    assert len(proxy.asked("station")) == 2
    stored = read_inventory(str(store.inventory("S01")))
    gains = [
        stored.get_response("XX.S01..HHZ", UTCDateTime(2015, 1, d, 12)).instrument_sensitivity.value for d in (10, 11)
    ]
    assert gains == [1e9, 2e9]


def test_metadata_are_fetched_anew_when_they_are_old_and_only_another_content_counts(proxy, tmp_path):
    store = store_of(proxy, tmp_path, metadata_days=1)
    good(acquire(store))
    path = store.inventory("S01")
    content = path.read_bytes()
    for made in ("unchanged", "unreachable", "changed"):
        os.utime(path, times=(0, 0))
        if made == "unreachable":
            proxy.always("station", faults.status(500))
        if made == "changed":
            proxy.well()
            proxy.stations["S01"] = station_xml("XX", "S01", [Epoch("2014-01-01", None, gain=3e9)], rate=RATE)
        record = acquire_one(store, KEY, open_source(store.settings), again=True).result
        assert record.has_data
        assert (path.read_bytes() == content) == (made != "changed")
        assert (path.stat().st_mtime == 0) == (made == "unreachable")


def test_a_station_without_metadata_is_acquired_without_a_response(proxy, tmp_path):
    del proxy.stations["S01"]
    store = store_of(proxy, tmp_path)
    good(acquire(store))
    good(acquire(store, NEXT_KEY))
    assert not store.inventory("S01").exists()
    assert len(proxy.asked("station")) == 1


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda _: b"<html>moved</html>", "do not parse as StationXML"),
        (lambda body: body.replace(b"HHZ", b"HHN"), "received"),
    ],
)
def test_samples_are_not_stored_when_their_metadata_cannot_be(change, cause, proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.always("station", faults.changed(change))
    outcome = acquire(store)
    assert cause in outcome.error
    assert "StationXML of XX.S01..HHZ" in outcome.error
    assert not store.waveform(KEY).exists()
    assert not store.acquisition(KEY).exists()
    proxy.well()
    assert good(acquire(store)).result.has_data


def test_a_look_up_of_services_that_fails_is_made_again(proxy, tmp_path):
    proxy.next("wadl", faults.status(503), faults.reset)
    assert good(acquire(store_of(proxy, tmp_path))).result.exchange.attempts == 3


@pytest.mark.parametrize("fault", [faults.status(404), faults.changed(lambda _: b"<html>hello</html>")])
def test_a_base_url_without_services_is_said_at_once(fault, proxy, tmp_path):
    proxy.always("wadl", fault)
    outcome = acquire(store_of(proxy, tmp_path))
    assert f"no dataselect service at {proxy.url}" in outcome.error
    assert not proxy.asked("dataselect")


def test_nobody_there_is_said_after_the_last_attempt(proxy, tmp_path):
    (port,) = free_ports(1)
    outcome = acquire(store_of(proxy, tmp_path, provider=f"http://127.0.0.1:{port}"))
    assert "given up after 3 attempt(s)" in outcome.error
    assert "refused" in outcome.error


def test_threads_that_share_a_source_take_turns(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.pause = 0.1
    proxy.next("dataselect", faults.status(503), faults.changed(faults.ended_early))
    keys, source = [KEY, NEXT_KEY, EMPTY_KEY], open_source(store.settings)
    with ThreadPoolExecutor(3) as threads:
        records = list(threads.map(lambda key: acquire_one(store, key, source).result, keys))
    assert [r.has_data for r in records] == [True, True, False]
    assert proxy.most_at_once == 1
    assert len(proxy.asked("dataselect")) == 5


def test_workers_ask_one_data_centre_no_more_at_once_than_allowed(proxy, tmp_path):
    proxy.pause = 0.3
    store = store_of(proxy, tmp_path, simultaneous_requests=2)
    keys = [StationDay(station, day) for station in ("S01", "S02") for day in store.settings.days()]
    task = StageTask("acquire", store.settings.model_dump_json(), str(store.root))
    compute = Compute(kind="dask", workers=3)
    outcomes = list(compute.map(task, keys, days_at(store).stages["acquire"].most_at_once(keys)))
    assert sorted(o.key for o in outcomes) == sorted(keys)
    assert [o.key for o in outcomes if o.made is None] == []
    assert proxy.most_at_once <= 2


def test_a_packed_answer_is_unpacked_and_one_that_breaks_off_is_asked_for_again(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.packed(lambda body: body[:-20]), faults.packed(lambda body: body + body))
    record = good(acquire(store)).result
    # Two members: the same samples twice.
    assert (record.exchange.attempts, record.quality.coverage) == (2, 1.0)
    proxy.next("dataselect", faults.packed())
    assert good(acquire(store, NEXT_KEY)).result.exchange.attempts == 1


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (faults.bomb(20_000_000), "the answer goes beyond 5 MB when unpacked"),
        (faults.announced(5_000_000_000), "the answer is of 5000 MB; at most 5 MB are taken"),
        (faults.endless(), "the answer goes beyond 5 MB, the most that is taken"),
        (faults.endless(chunked=True), "the answer goes beyond 5 MB, the most that is taken"),
    ],
)
@pytest.mark.parametrize("service", ["dataselect", "station", "wadl"])
def test_an_answer_is_read_up_to_its_limit_only(proxy, tmp_path, service, fault, why):
    store = store_of(proxy, tmp_path, largest_answer="5 MB")
    proxy.always(service, fault)
    outcome = acquire(store)
    assert outcome.made is None
    what = "XX.S01..HHZ" + ("" if service == "station" else " 2015-01-10")
    assert re.match(rf"DataCentreError: {proxy.url}, .*{re.escape(what)}: {why}", outcome.error)
    assert "(source.largest_answer; StationXML at most 256 MB)" in outcome.error
    kind = {"wadl": ("dataselect", "application.wadl")}.get(service, (service, "query"))
    assert len(proxy.asked(*kind)) == 1
    assert not store.waveform(KEY).exists()
    proxy.well()
    assert good(acquire(store)).result.has_data


def test_of_what_is_said_of_an_error_no_more_is_read_than_is_needed(proxy, tmp_path):
    store = store_of(proxy, tmp_path)
    proxy.next("dataselect", faults.endless(code=400))
    outcome = acquire(store)
    assert outcome.made is None
    assert "HTTP 400" in outcome.error


def test_the_limit_leaves_room_for_a_day_at_1000_hz():
    assert settings_of(Proxy(0, 0)).source.largest_answer * 1e6 > 86_400 * 1000 * 8


def test_an_answer_that_comes_for_too_long_is_given_up(proxy, tmp_path, monkeypatch):
    store = store_of(proxy, tmp_path)
    good(acquire(store, NEXT_KEY))
    monkeypatch.setattr("ris_core.waveforms.bounded_answer.LONGEST_S", 0.0)
    outcome = acquire(store)
    assert "given up after 3 attempt(s): the answer still came after 0 s" in outcome.error


def test_a_data_centre_is_asked_for_metadata_by_check_config_if_that_is_wanted(proxy):
    settings = settings_of(proxy)
    assert check_source(settings) == []
    assert proxy.requests == []
    proxy.stations["S01"] = station_xml("XX", "S01", [Epoch("2014-01-01", "2015-01-11")], rate=RATE)
    partly, absent = check_source(settings, ask=True)
    assert (partly.wrong, absent.wrong) == (False, True)
    assert partly.text == "station S01: no response in StationXML for 2015-01-11T00:00:00 ... 2015-01-13T00:00:00"
    assert absent.text == f"station S02: {proxy.url} has no StationXML of its channel"
    assert proxy.asked("dataselect") == []

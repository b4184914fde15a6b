"""A data centre's settings, its credentials, and what it sends, without a server."""

from __future__ import annotations

import io
import time
from email.utils import formatdate

import numpy as np
import pytest
import yaml
from obspy import Stream, UTCDateTime, read
from stage_steps import acquire_one, days_at
from store import Store
from waveform_builders import KEY, make_settings, ns_at, record, settings_values

from ris_core.config import (
    FdsnSettings,
    SdsSettings,
    Settings,
    SettingsError,
    SyntheticSettings,
    load_settings,
    source_name,
)
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.open_source import open_source
from ris_core.station_days.running import StageTask, run_station_day
from ris_core.synthetic.seismometer import build_inventory
from ris_core.waveforms.fdsn import DataCentre
from ris_core.waveforms.fdsn_client import retry_after_seconds
from ris_core.waveforms.fdsn_credentials import Credentials, credentials_from_environment
from ris_core.waveforms.fdsn_errors import DataCentreError
from ris_core.waveforms.fdsn_memory import REFUSED_S, SILENT_S, Memory
from ris_core.waveforms.fdsn_providers import is_known, known_providers, services_url
from ris_core.waveforms.fdsn_wadl import Service, described_service
from ris_core.waveforms.received import DamagedError, WrongAnswerError, stream_of

RATE = 10.0
IDENTIFIER = "XX.S01..HHZ"
START, END = ns_at(KEY, -300), ns_at(KEY, 86_700)
TOKEN = "-----BEGIN PGP MESSAGE-----\nsecret of mine\n-----END PGP MESSAGE-----\n"  # noqa: S105


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("RIS_FDSN_PROVIDER", "RIS_FDSN_USER", "RIS_FDSN_PASSWORD", "RIS_FDSN_EIDA_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def written(tmp_path, **source):
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(settings_values(source={"kind": "fdsn", **source})), encoding="utf-8")
    return path


def test_the_provider_may_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_TEST_CENTRE", "http://127.0.0.1:8080")
    settings = load_settings(written(tmp_path, provider="${RIS_TEST_CENTRE}"))
    assert settings.source.provider == "http://127.0.0.1:8080"
    monkeypatch.delenv("RIS_TEST_CENTRE")
    with pytest.raises(SettingsError, match="RIS_TEST_CENTRE is not set"):
        load_settings(tmp_path / "settings.yaml")


def test_one_variable_overrides_the_provider_of_any_settings_and_travels_with_them(tmp_path, monkeypatch):
    path = written(tmp_path, provider="GEOFON")
    assert load_settings(path).source.provider == "GEOFON"
    monkeypatch.setenv("RIS_FDSN_PROVIDER", "http://127.0.0.1:8080")
    settings = load_settings(path)
    monkeypatch.setenv("RIS_FDSN_PROVIDER", "http://elsewhere.org")
    assert Settings.model_validate_json(settings.model_dump_json()).source.provider == "http://127.0.0.1:8080"
    monkeypatch.setenv("RIS_FDSN_PROVIDER", "not a provider")
    with pytest.raises(SettingsError, match=r"settings\.yaml with source\.provider from RIS_FDSN_PROVIDER"):
        load_settings(path)


def test_the_variable_changes_no_other_source(tmp_path, monkeypatch):
    monkeypatch.setenv("RIS_FDSN_PROVIDER", "http://127.0.0.1:8080")
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(settings_values()), encoding="utf-8")
    assert load_settings(path) == make_settings()


def test_where_and_how_samples_are_asked_for_does_not_decide_what_they_are():
    one = make_settings(source={"kind": "fdsn"})
    other = make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:8080", "attempts": 2, "timeout": "5 s"})
    assert one.acquire_digest() == other.acquire_digest()


@pytest.mark.parametrize("provider", ["EARTHSCOPE", "BGR", "http://127.0.0.1:8080", "https://geofon.gfz.de/path"])
def test_names_and_base_urls_are_providers(provider):
    assert FdsnSettings(provider=provider).provider == provider


@pytest.mark.parametrize("provider", ["", "two words", "ftp://x.org", "http://x.org/fdsnws?key=1", "x.org/fdsnws"])
def test_what_is_no_provider_is_refused(provider, tmp_path):
    with pytest.raises(SettingsError, match="neither a name that ObsPy knows"):
        load_settings(written(tmp_path, provider=provider))


def test_credentials_in_the_settings_are_refused_and_not_repeated(tmp_path):
    with pytest.raises(SettingsError, match="RIS_FDSN_PASSWORD") as refused:
        load_settings(written(tmp_path, provider="https://me:my-password@data.org"))
    chain = (refused.value, refused.value.__cause__)
    assert not any("my-password" in str(error) + repr(error) for error in chain)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (FdsnSettings(), "fdsn_earthscope"),
        (FdsnSettings(provider="earthscope+usgs"), "fdsn_earthscope_usgs"),
        (FdsnSettings(provider="http://127.0.0.1:8080"), "fdsn_127_0_0_1_8080"),
        (FdsnSettings(provider="https://Service.EarthScope.org/"), "fdsn_service_earthscope_org"),
        (SyntheticSettings(), "source_synthetic"),
        (SdsSettings(root="/archive"), "source_sds"),
    ],
)
def test_runs_wait_for_each_other_by_data_centre(source, name):
    assert source_name(source) == name


def test_a_data_centre_that_obspy_does_not_know_is_named_with_the_known_ones(tmp_path):
    settings = make_settings(source={"kind": "fdsn", "provider": "ATLANTIS"})
    outcome = run_station_day(StageTask("acquire", settings.model_dump_json(), str(tmp_path)), KEY)
    assert "source.provider = ATLANTIS" in outcome.error
    assert "GEOFON" in outcome.error


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("EARTHSCOPE", "https://service.earthscope.org/fdsnws"),
        ("geofon", "https://geofon.gfz.de/fdsnws"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/fdsnws"),
        ("https://data.org/seismology", "https://data.org/seismology/fdsnws"),
    ],
)
def test_services_are_below_the_address_of_the_provider(provider, url):
    assert is_known(provider)
    assert services_url(provider) == url


def test_the_names_of_data_centres_that_obspy_knows_are_there():
    """ObsPy documents them; the settings of users name them."""
    assert {"EARTHSCOPE", "IRIS", "GEOFON", "GFZ", "ORFEUS", "ETH", "INGV", "IPGP"} <= set(known_providers())
    assert not is_known("ATLANTIS")


WADL = """<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="http://x.org/fdsnws/dataselect/1/">
<resource path="query"><method name="GET"/></resource>{more}</resources></application>"""


@pytest.mark.parametrize(
    ("body", "service"),
    [
        (WADL.format(more=""), Service(takes_tokens=False)),
        (WADL.format(more='<resource path="auth"><method name="POST"/></resource>'), Service(takes_tokens=True)),
        (WADL.replace('xmlns="http://wadl.dev.java.net/2009/02"', ""), Service(takes_tokens=False)),
        ("<html><body>hello</body></html>", None),
        ("<application/>", None),
        ("no XML at all", None),
        ("", None),
    ],
)
def test_a_service_is_known_by_its_own_description(body, service):
    assert described_service(body.encode()) == service


def test_entities_in_the_description_of_a_service_are_not_expanded():
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 20 if i else "x" * 1000}">' for i in range(9))
    body = f"<!DOCTYPE application [{bomb}]>" + WADL.format(more="<doc>&e8;</doc>")
    assert described_service(body.encode()) in (None, Service(takes_tokens=False))


def test_credentials_are_read_from_the_environment(monkeypatch, tmp_path):
    assert credentials_from_environment("X") == Credentials()
    monkeypatch.setenv("RIS_FDSN_EIDA_TOKEN", TOKEN)
    assert credentials_from_environment("X") == Credentials(eida_token=TOKEN)
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    monkeypatch.setenv("RIS_FDSN_EIDA_TOKEN", str(tmp_path / "token"))
    assert credentials_from_environment("X") == Credentials(eida_token=TOKEN)
    monkeypatch.delenv("RIS_FDSN_EIDA_TOKEN")
    monkeypatch.setenv("RIS_FDSN_USER", "me")
    monkeypatch.setenv("RIS_FDSN_PASSWORD", "my-password")
    assert credentials_from_environment("X") == Credentials("me", "my-password")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"USER": "me"}, "RIS_FDSN_USER is set, but RIS_FDSN_PASSWORD is not"),
        ({"PASSWORD": "my-password"}, "RIS_FDSN_PASSWORD is set, but RIS_FDSN_USER is not"),
        ({"USER": "me", "PASSWORD": "my-password", "EIDA_TOKEN": TOKEN}, "both RIS_FDSN_USER and RIS_FDSN_EIDA_TOKEN"),
        ({"EIDA_TOKEN": "/my-password/is/no/path"}, "neither the text of a token nor a file"),
        ({"EIDA_TOKEN": "my-password" * 100}, "neither the text of a token nor a file"),
    ],
)
def test_credentials_that_cannot_be_used_are_refused_and_not_repeated(values, words, monkeypatch):
    for name, value in values.items():
        monkeypatch.setenv(f"RIS_FDSN_{name}", value)
    with pytest.raises(DataCentreError, match=words) as refused:
        credentials_from_environment("EARTHSCOPE")
    assert "my-password" not in str(refused.value)


def test_credentials_say_of_what_kind_they_are_and_no_more():
    known = Credentials("me", "my-password", None)
    assert repr(known) == "Credentials(user and password)"
    assert known.hidden("401: me,\n my-password") == "401: me, ***"
    assert "secret of mine" not in Credentials(eida_token=TOKEN).hidden(f"who is {TOKEN}?")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("120", 120), (" 0 ", 0), ("soon", None), ("-5", None), ("1.5", None), ("", None)],
)
def test_retry_after_in_seconds(header, seconds):
    assert retry_after_seconds(header) == seconds


def test_retry_after_as_a_date():
    assert 9_000 < retry_after_seconds(formatdate(time.time() + 10_000, usegmt=True)) <= 10_000
    assert retry_after_seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0


def body_of(*traces, **how) -> bytes:
    written = io.BytesIO()
    Stream(list(traces)).write(written, format="MSEED", **how)
    return written.getvalue()


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_whole_records_of_the_channel_and_window_are_taken(encoding, byteorder):
    whole = record(KEY, -400, 87_000, rate=RATE)
    if encoding.startswith("FLOAT"):
        whole.data = whole.data.astype("f4" if encoding == "FLOAT32" else "f8")
    body = body_of(whole, encoding=encoding, byteorder=byteorder, reclen=4096)
    (found,) = stream_of(body, IDENTIFIER, START, END)
    assert (found.stats.starttime.ns, found.stats.npts) == (START, 870_000)
    np.testing.assert_array_equal(found.data, whole.data[1000:871_000])


def test_records_in_any_order_and_of_several_lengths_are_taken():
    early, late = record(KEY, 0, 1000, rate=RATE), record(KEY, 2000, 3000, rate=RATE)
    body = body_of(late, reclen=512) + body_of(early, reclen=4096)
    assert sorted(t.stats.npts for t in stream_of(body, IDENTIFIER, START, END)) == [10_000, 10_000]


@pytest.mark.parametrize("kept", [0, 1, 47, 100, 511, 513, 5000, -1, -100])
def test_a_body_that_does_not_end_with_a_record_is_damaged(kept):
    body = body_of(record(KEY, 0, 3600, rate=RATE), reclen=512)
    with pytest.raises(DamagedError):
        stream_of(body[:kept], IDENTIFIER, START, END)


@pytest.mark.parametrize(("start", "stop"), [(0, 48), (512, 560), (558, 560), (1124, 1324)])
@pytest.mark.parametrize("value", [0, 255])
def test_a_body_with_other_bytes_in_it_is_damaged(start, stop, value):
    body = bytearray(body_of(record(KEY, 0, 3600, rate=RATE), encoding="STEIM2", reclen=512))
    body[start:stop] = bytes([value]) * (stop - start)
    with pytest.raises(DamagedError):
        stream_of(bytes(body), IDENTIFIER, START, END)


def test_a_single_bit_that_is_wrong_is_found_by_the_records_own_last_sample():
    body = bytearray(body_of(record(KEY, 0, 3600, rate=RATE), encoding="STEIM2", reclen=512))
    body[1500] ^= 0x10
    with pytest.raises(DamagedError, match="integrity"):
        stream_of(bytes(body), IDENTIFIER, START, END)


def with_other_last_samples(body: bytes, first: int) -> bytes:
    """Write another last sample into records of 512 bytes, from one of them on: the third word of the first frame."""
    records = [body[i : i + 512] for i in range(0, len(body), 512)]
    return b"".join(records[:first] + [r[:72] + b"\0\0\3\xe8" + r[76:] for r in records[first:]])


def test_a_digitiser_that_writes_no_right_last_sample_is_believed_and_the_record_says_so(tmp_path):
    trace = record(KEY, 0, 3600, rate=RATE)
    body = with_other_last_samples(body_of(trace, encoding="STEIM2", reclen=512), 0)
    stream = stream_of(body, IDENTIFIER, START, END)
    (found,) = stream
    np.testing.assert_array_equal(found.data, trace.data)
    count = len(body) // 512
    note = f"{count} of {count} records fail their check, as most do; they are used"
    assert stream.notes == [note]

    class Sent(Copied):
        def fetch(self, station, day):
            return stream

    assert acquire_one(fdsn_store(tmp_path), KEY, Sent()).result.quality.notes == (note,)


def test_records_that_fail_their_check_are_damage_where_they_are_not_the_most():
    body = body_of(record(KEY, 0, 3600, rate=RATE), encoding="STEIM2", reclen=512)
    half = len(body) // 512 // 2
    with pytest.raises(DamagedError, match="integrity"):
        stream_of(with_other_last_samples(body, len(body) // 512 - half), IDENTIFIER, START, END)


@pytest.mark.parametrize(("place", "value"), [(52, 99), (52, 3), (52, 30), (46, 2)], ids=str)
def test_steim_records_that_state_another_encoding_are_read_as_what_they_prove_to_be(place, value):
    """They end with the sample that they state, and hold as many as they state, in one encoding alone."""
    trace = record(KEY, 0, 600, rate=RATE)
    body = bytearray(body_of(trace, encoding="STEIM2", reclen=512)[:512])
    body[place] = value
    stream = stream_of(bytes(body), IDENTIFIER, START, END)
    np.testing.assert_array_equal(stream[0].data, trace.data[: stream[0].stats.npts])
    assert stream.notes[0].startswith("1 of 1 records are Steim-compressed in another way than they state")


@pytest.mark.parametrize(("encoding", "words"), [(99, r"not read \(99\)"), (2, r"not read \(2\)"), (0, "are text")])
def test_whole_records_that_cannot_be_unpacked_are_damaged(encoding, words):
    body = bytearray(body_of(record(KEY, 0, 600, rate=RATE), encoding="INT32", reclen=512)[:512])
    body[52] = encoding
    with pytest.raises(DamagedError, match=f"do not decode as miniSEED.*{words}"):
        stream_of(bytes(body), IDENTIFIER, START, END)


@pytest.mark.parametrize(
    ("field", "code"), [("network", "XY"), ("station", "S02"), ("location", "00"), ("channel", "HHN")]
)
def test_another_channel_is_named_even_among_the_right_one(field, code):
    right, other = record(KEY, 0, 600, rate=RATE), record(KEY, 0, 600, rate=RATE, seed=1)
    other.stats[field] = code
    with pytest.raises(WrongAnswerError, match=f"requested {IDENTIFIER}, but received {other.id}"):
        stream_of(body_of(right, other), IDENTIFIER, START, END)


@pytest.mark.parametrize(("start", "end"), [(-2000, -301), (86_701, 90_000)])
def test_samples_of_another_time_are_named(start, end):
    with pytest.raises(WrongAnswerError, match=r"but received samples of 2015-01-.*"):
        stream_of(body_of(record(KEY, start, end, rate=RATE)), IDENTIFIER, START, END)


def test_a_record_that_only_touches_the_window_is_no_error():
    assert len(stream_of(body_of(record(KEY, 86_700, 87_000, rate=RATE)), IDENTIFIER, START, END)) == 0


def fdsn_store(root, **sections) -> Store:
    return Store(make_settings(source={"kind": "fdsn", "simultaneous_requests": 5}, **sections), root)


def test_only_what_asks_a_data_centre_is_limited(tmp_path):
    keys = [KEY, StationDay("S02", KEY.day)]
    store = fdsn_store(tmp_path / "fdsn")
    assert days_at(store).stages["acquire"].most_at_once(keys) == 5
    assert days_at(store).stages["process"].most_at_once(keys) is None
    assert days_at(store).stages["label"].most_at_once(keys) is None
    assert days_at(Store(make_settings(), tmp_path / "synthetic")).stages["acquire"].most_at_once(keys) is None


class Copied:
    """A source of given samples."""

    in_place = False

    def __init__(self, *traces):
        self.traces = traces

    def fetch(self, station, day):
        return Stream([t.copy() for t in self.traces if t.stats.station == station])

    def inventory(self, station):
        return build_inventory(make_settings(), station)


def test_processing_is_limited_where_raw_files_must_be_fetched_again(tmp_path):
    store = fdsn_store(tmp_path)
    keys = [KEY, StationDay("S02", KEY.day)]
    source = Copied(record(KEY, 0, 600, rate=RATE))
    for key in keys:
        acquire_one(store, key, source)
    assert days_at(store).stages["process"].most_at_once(keys) is None
    store.waveform(KEY).unlink()
    assert days_at(store).stages["process"].most_at_once(keys) == 5


def test_steps_too_large_for_steim_2_are_stored_all_the_same(tmp_path):
    trace = record(KEY, 0, 600, rate=RATE)
    trace.data[[100, 101]] = 2**30, -(2**30)
    store = fdsn_store(tmp_path)
    acquire_one(store, KEY, Copied(trace))
    np.testing.assert_array_equal(read(str(store.waveform(KEY)))[0].data, trace.data)


def test_who_wrote_metadata_and_when_is_no_part_of_what_they_say(tmp_path):
    store = fdsn_store(tmp_path)
    acquire_one(store, KEY, Copied(record(KEY, 0, 600, rate=RATE)))
    before, path = days_at(store).acquire.response_digest("S01"), store.inventory("S01")
    inventory = build_inventory(make_settings(), "S01")
    inventory.source, inventory.sender, inventory.module = "another", "someone", "another program 2.0"
    inventory.module_uri, inventory.created = "http://127.0.0.1:1/fdsnws/station/1/query", UTCDateTime(2001, 1, 1)
    inventory.write(str(path), format="STATIONXML")
    assert days_at(store).acquire.response_digest("S01") == before
    inventory.networks[0].stations[0].channels[0].response.instrument_sensitivity.value *= 2
    inventory.write(str(path), format="STATIONXML")
    assert days_at(store).acquire.response_digest("S01") != before


def test_nothing_is_asked_before_the_first_station_day():
    assert isinstance(open_source(make_settings(source={"kind": "fdsn", "provider": "http://127.0.0.1:9"})), DataCentre)


class Clock:
    """A clock that does not move until it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_refusal_is_remembered_for_a_while():
    clock = Clock()
    memory = Memory(clock)
    memory.refused("S01", "access refused (HTTP 403)")
    clock.now += REFUSED_S - 5
    assert "access refused (HTTP 403); this process asks again in 5 s, another run at once" in memory.hopeless("S01")
    assert memory.hopeless("S02") == ""
    clock.now += 5
    assert memory.hopeless("S01") == ""


def test_a_service_that_stays_silent_is_left_alone_and_then_asked_once():
    clock = Clock()
    memory = Memory(clock)
    for _ in range(2):
        memory.given_up("HTTP 503")
    assert memory.hopeless("S01") == ""
    memory.given_up("HTTP 503")
    assert "3 station-days in a row were given up, the last with HTTP 503" in memory.hopeless("S01")
    clock.now += SILENT_S
    assert memory.hopeless("S01") == ""
    memory.given_up("HTTP 502")
    assert "4 station-days in a row were given up, the last with HTTP 502" in memory.hopeless("S01")
    clock.now += SILENT_S
    memory.answered()
    memory.given_up("HTTP 503")
    assert memory.hopeless("S01") == ""

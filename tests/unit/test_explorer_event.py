"""One event: fields, samples, sound, files, and what is said where something is not there."""

import io
import wave

import numpy as np
import pytest

from ris_core.access import nearest_events, read_catalogue, read_event, read_labels, read_raw
from ris_core.contracts.event_identifier import possible_days
from ris_explorer.event.event_sound import RATE, sound, speed_for, words_of


def _event(client, row=5):
    name = client.explorer.table.name(row)
    return f"/api/events/{name}", read_event(client.explorer.network, name)


def test_fields_are_those_of_the_catalogue_with_meaning_and_unit(read_client):
    address, event = _event(read_client)
    found = read_client.json_of(address)
    row = read_catalogue(read_client.explorer.network).set_index("event_id").loc[event.event_id]
    fields = {each["name"]: each for each in found["fields"]}
    assert fields["snr"]["value"] == pytest.approx(row["snr"]) and fields["snr"]["unit"] == "dB"
    assert fields["snr"]["about"] == "Signal-to-noise ratio; NaN if unknown"
    assert fields["class_name"]["value"] == row["class_name"]
    assert "reviewed" not in fields
    assert fields["time_peak"]["value"].startswith(row["time_peak"].strftime("%Y-%m-%dT%H:%M:%S"))


def test_memberships_are_those_of_the_label_table(read_client):
    address, event = _event(read_client)
    found = read_client.json_of(address)["memberships"]
    row = read_labels(read_client.explorer.network).set_index("event_id").loc[event.event_id]
    assert [bar["probability"] for bar in found["bars"]] == pytest.approx(list(row["probabilities"]))
    best = max(found["bars"], key=lambda bar: bar["probability"])
    assert (best["class"], best["name"]) == (row["label"], row["class_name"])
    assert found["of_present_model"] and found["novelty"] == pytest.approx(row["novelty"])


def test_same_source_are_the_others_of_the_same_source(read_client):
    table = read_client.explorer.table
    row = int(np.flatnonzero(table.source >= 0)[0])
    found = read_client.json_of(f"/api/events/{table.name(row)}")["same_source"]
    expected = [table.name(i) for i in np.flatnonzero(table.source == table.source[row]) if i != row]
    assert expected and [each["event_id"] for each in found] == expected
    for each in found:
        assert each["later"] == pytest.approx((table.time[table.row_of(each["event_id"])] - table.time[row]) / 1e9)


def test_links_lead_to_the_station_day(read_client):
    address, event = _event(read_client)
    links = read_client.json_of(address)["links"]
    key = possible_days(event.event_id)[0]
    assert links[0]["address"].startswith("http://127.0.0.1:3000/assets/")
    assert f"{key.day}%7C{key.station}" in links[0]["address"]


def test_spectrogram_is_in_decibels_below_its_greatest_power(read_client):
    address, event = _event(read_client)
    found = read_client.array_of(f"{address}/spectrogram")
    power = event.spectrogram.astype(float)
    assert found.shape == (1, *power.shape) and found.dtype == np.float32
    np.testing.assert_allclose(found[0], np.maximum(10 * np.log10(power / power.max()), -30), atol=1e-3)
    signal = read_client.json_of(f"{address}/signal")
    assert signal["frequency"] == [event.frequency[0], event.frequency[-1]]
    assert signal["components"] == [{"letter": "Z", "recorded": True}]
    assert len(signal["colours"]) == 61 and signal["raw"]["at_hand"]


def test_waveform_is_the_recorded_context_with_its_place_in_time(read_client):
    address, event = _event(read_client)
    answer = read_client.get(f"{address}/waveform")
    found = np.frombuffer(answer.content, "<f4")
    trace = event.context_trace()
    np.testing.assert_array_equal(found, trace.data)
    window = [float(part) for part in answer.headers["x-window"].split(",")]
    assert window[0] == pytest.approx((event.window_start - trace.stats.starttime.ns) / 1e9)
    assert window[1] - window[0] == pytest.approx(len(event.waveform) / event.sampling_rate)
    start = round(window[0] * event.sampling_rate)
    # The context is rounded when it is stored.
    np.testing.assert_allclose(found[start : start + len(event.waveform)], event.waveform, rtol=1e-5)


def test_a_filter_keeps_its_band_and_does_not_shift(read_client):
    address, event = _event(read_client)
    answer = read_client.get(f"{address}/waveform", params={"low": "4", "high": "8"})
    assert "band-pass 4-8 Hz" in answer.headers["x-filtered"]
    before, after = event.context_trace().data, np.frombuffer(answer.content, "<f4")
    frequency = np.fft.rfftfreq(len(after), 1 / event.sampling_rate)
    power = np.abs(np.fft.rfft(after)) ** 2
    assert power[(frequency > 3) & (frequency < 10)].sum() > 0.98 * power.sum()
    within = np.fft.irfft(np.fft.rfft(before) * ((frequency > 4) & (frequency < 8)), len(before))
    shifts = [np.dot(np.roll(after, shift), within) for shift in range(-10, 11)]
    assert int(np.argmax(shifts)) == 10, "the filter shifts in time"


@pytest.mark.parametrize(
    "query",
    [{"low": "x"}, {"low": "9", "high": "4"}, {"high": "25"}, {"low": "-1"}, {"low": "nan"}, {"component": "N"}],
)
def test_filters_that_cannot_be_are_refused(read_client, query):
    address, _ = _event(read_client)
    answer = read_client.get(f"{address}/waveform", params=query)
    assert answer.status_code == 400 and answer.json()["error"]


def _heard(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


@pytest.mark.parametrize(("sampling_rate", "speed"), [(50.0, 60), (100.0, 20), (40.0, 7), (200.0, 120)])
def test_a_tone_sounds_higher_and_shorter_by_the_speed(sampling_rate, speed):
    seconds, tone = 24.0, 5.0
    samples = np.sin(2 * np.pi * tone * np.arange(int(seconds * sampling_rate)) / sampling_rate) * 1e-7 + 3e-7
    heard = _heard(sound(samples.astype(np.float32), sampling_rate, speed))
    assert len(heard) / RATE == pytest.approx(seconds / speed, rel=0.01)
    spectrum = np.abs(np.fft.rfft(heard, 1 << 19))
    assert spectrum.argmax() * RATE / (1 << 19) == pytest.approx(tone * speed, rel=0.01)
    assert 0.85 < np.abs(heard).max() / 32767 < 0.9
    assert abs(heard[0]) < 100 and abs(heard[-1]) < 100, "it does not begin and end softly"


def test_speed_makes_the_band_audible():
    assert speed_for((3.0, 20.0)) == 60
    assert words_of(60, (3.0, 20.0)) == "× 60: 3–20 Hz sounds at 180–1,200 Hz"
    assert speed_for((100.0, 2000.0)) == 1


def test_sound_of_an_event(read_client):
    address, event = _event(read_client)
    answer = read_client.get(f"{address}/sound.wav", params={"speed": "20"})
    assert answer.headers["content-type"] == "audio/wav"
    assert len(_heard(answer.content)) / RATE == pytest.approx(
        len(event.context_trace()) / event.sampling_rate / 20, 0.01
    )
    for speed in ("0", "-3", "1001", "x", "1.5"):
        assert read_client.get(f"{address}/sound.wav", params={"speed": speed}).status_code == 400


def test_miniseed_holds_the_trace(read_client):
    from obspy import read

    address, event = _event(read_client)
    answer = read_client.get(f"{address}/download/event.mseed")
    name = answer.headers["content-disposition"]
    assert name == f'attachment; filename="{event.event_id}.mseed"' and name.isascii()
    assert answer.headers["content-type"] == "application/vnd.fdsn.mseed"
    (trace,) = read(io.BytesIO(answer.content))
    expected = event.context_trace()
    assert trace.data.dtype == np.float32
    np.testing.assert_array_equal(trace.data, expected.data)
    assert trace.id == expected.id and trace.stats.sampling_rate == event.sampling_rate
    assert abs(trace.stats.starttime - expected.stats.starttime) < 1e-4


def test_raw_record_as_miniseed_and_as_numbers(read_client):
    from obspy import read

    address, event = _event(read_client)
    expected = read_raw(read_client.explorer.network, event.event_id, 30, 60)
    found = read(io.BytesIO(read_client.get(f"{address}/download/raw.mseed").content))
    np.testing.assert_array_equal(found[0].data, expected[0].data)
    answer = read_client.post(f"{address}/raw", json={}).json()
    assert answer["unit"] == "counts"
    assert answer["traces"][0]["samples"] == expected[0].data.tolist()
    start = event.window_start / 1e9 + answer["traces"][0]["start"]
    assert start == pytest.approx(expected[0].stats.starttime.timestamp, abs=1e-3)
    assert read_client.get(f"{address}/raw").status_code in (404, 405), "reading may store, so it is no GET"


def test_csv_holds_time_and_values_with_units(read_client):
    import pandas as pd

    address, event = _event(read_client)
    answer = read_client.get(f"{address}/download/event.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = pd.read_csv(io.BytesIO(answer.content))
    channel = event.event_id.split(".")[3]
    assert list(table) == ["time (UTC)", "time from the start of the window (s)", f"{channel} conditioned (counts)"]
    np.testing.assert_array_equal(table.iloc[:, 2].to_numpy(np.float32), event.context_trace().data)
    assert table.iloc[0, 0].endswith("Z")
    zero = table[table.iloc[:, 1].abs() < 1e-6].iloc[0, 0]
    assert abs(pd.Timestamp(zero).value - event.window_start) < 2000


def test_png_is_a_picture(read_client):
    from PIL import Image

    address, _ = _event(read_client)
    answer = read_client.get(f"{address}/download/event.png")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size[0] > 500


def test_neighbours_are_the_nearest_events(read_client):
    address, event = _event(read_client)
    found = read_client.json_of(f"{address}/neighbours", number="7")
    expected = nearest_events(read_client.explorer.network, event.event_id, 7)
    assert [each["event_id"] for each in found["events"]] == expected["event_id"].to_list()
    assert [each["distance"] for each in found["events"]] == pytest.approx(expected["distance"].to_list())
    assert found["metric"] and found["absent"] == 0
    assert read_client.get(f"{address}/neighbours", params={"number": "0"}).status_code == 400


def test_unknown_events_are_404_everywhere(read_client):
    for part in ("", "/signal", "/spectrogram", "/waveform", "/sound.wav", "/neighbours", "/download/event.csv"):
        answer = read_client.get(f"/api/events/XX.AA..EHZ.20200228T050000.000000{part}")
        assert answer.status_code == 404, part
        assert "the catalogue has no such event" in answer.json()["error"]
    address, _ = _event(read_client)
    assert read_client.get(f"{address}/download/other").status_code == 404


def test_removed_and_foreign_spectrograms_are_said(own_client):
    address, event = _event(own_client)
    layout = own_client.explorer.network.layout
    path = layout.spectrograms(possible_days(event.event_id)[0])
    path.unlink()
    gone = own_client.get(f"{address}/signal")
    assert gone.status_code == 409
    assert str(path) in gone.json()["error"] and "ris run --only process" in gone.json()["error"]
    own_client.json_of(address)  # the tables are still there
    path.write_bytes(next(each for each in path.parent.glob("*.h5")).read_bytes())
    foreign = own_client.get(f"{address}/signal")
    assert foreign.status_code == 409 and "processed again" in foreign.json()["error"]


def test_absent_labels_and_damaged_files_are_said_and_the_rest_is_there(own_client):
    address, event = _event(own_client)
    layout = own_client.explorer.network.layout
    layout.labels(possible_days(event.event_id)[0]).unlink()
    found = own_client.json_of(address)
    assert "no label table" in found["memberships"]["error"] and found["fields"]
    path = layout.spectrograms(possible_days(event.event_id)[0])
    path.write_bytes(path.read_bytes()[:-100])
    damaged = own_client.get(f"{address}/spectrogram")
    assert damaged.status_code == 500 and path.name in damaged.json()["error"]

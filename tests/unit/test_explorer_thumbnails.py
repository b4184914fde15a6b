"""Thumbnails: each event has its own picture, and what cannot be read is said in its place."""

import base64
import io

import numpy as np
from PIL import Image

from ris_core.access import read_event
from ris_core.contracts.event_identifier import possible_days
from ris_core.figures.palette import SEQUENTIAL, SEQUENTIAL_COLOURS
from ris_explorer.gallery.thumbnail_picture import draw_thumbnail


def _pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def _names(client, rows):
    table = client.explorer.table
    return [table.name(row) for row in rows]


def test_thumbnails_are_pictures_of_their_events(read_client):
    names = _names(read_client, range(12))
    pictures = [read_client.get(f"/api/thumbnails/{name}") for name in names]
    assert {each.headers["content-type"] for each in pictures} == {"image/png"}
    assert len({each.content for each in pictures}) == len(names)
    for name, each in zip(names, pictures, strict=True):
        picture, event = _pixels(each.content), read_event(read_client.explorer.network, name)
        brightest = picture[:88, :, :3].sum(axis=2).max(axis=0).argmax() / 2
        assert abs(brightest - event.spectrogram.max(axis=0).argmax()) <= 1
        assert picture[88:, :, 3].max(axis=0).all(), "the trace has gaps"


def test_thumbnails_of_a_page_come_in_one_answer(read_client):
    names = _names(read_client, (3, 1, 2))
    found = read_client.json_of("/api/thumbnails", events=",".join(names))
    assert list(found) == names
    for name in names:
        alone = read_client.get(f"/api/thumbnails/{name}").content
        assert found[name]["picture"] == f"data:image/png;base64,{base64.b64encode(alone).decode()}"


def test_unknown_and_too_many_events_are_refused(read_client):
    assert read_client.get("/api/thumbnails/../../etc/passwd").status_code == 404
    unknown = read_client.get("/api/thumbnails/XX.AA..EHZ.20200228T050000.000000")
    assert unknown.status_code == 404 and "the catalogue has no such event" in unknown.json()["error"]
    many = read_client.get("/api/thumbnails", params={"events": ",".join("abc" for _ in range(61))})
    assert many.status_code == 400 and "at most 60" in many.json()["error"]


def test_files_that_cannot_be_read_are_named(own_client):
    layout, names = own_client.explorer.network.layout, _names(own_client, range(len(own_client.explorer.table)))
    files = {name: layout.spectrograms(possible_days(name)[0]) for name in names}
    removed, damaged = list(dict.fromkeys(files.values()))[:2]
    of_removed, of_damaged = (next(n for n in names if files[n] == path) for path in (removed, damaged))
    whole = next(n for n in names if files[n] not in (removed, damaged))
    assert own_client.get(f"/api/thumbnails/{of_removed}").status_code == 200
    removed.unlink()
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    found = own_client.json_of("/api/thumbnails", events=",".join((of_removed, of_damaged, whole)))
    assert removed.name in found[of_removed]["error"] and "ris run --only process" in found[of_removed]["error"]
    assert damaged.name in found[of_damaged]["error"] and "damaged" in found[of_damaged]["error"]
    assert found[whole]["picture"]


def test_an_event_of_other_processing_is_said(own_client):
    layout, name = own_client.explorer.network.layout, _names(own_client, [0])[0]
    other = next(n for n in _names(own_client, range(40)) if possible_days(n)[0] != possible_days(name)[0])
    layout.spectrograms(possible_days(name)[0]).write_bytes(layout.spectrograms(possible_days(other)[0]).read_bytes())
    answer = own_client.get(f"/api/thumbnails/{name}")
    assert answer.status_code == 409 and "processed again" in answer.json()["error"]


def test_components_are_one_below_the_other_and_what_was_not_recorded_is_clear():
    rng = np.random.default_rng(1)
    spectrogram, waveform = rng.random((3, 87, 100), np.float32), rng.standard_normal((3, 218)).astype(np.float32)
    picture = _pixels(draw_thumbnail(spectrogram, waveform, np.array([True, False, True])))
    of_components = picture.reshape(3, -1, 200, 4)
    assert not of_components[1].any()
    assert of_components[0].any() and of_components[2].any()
    assert _pixels(draw_thumbnail(0 * spectrogram[:1], 0 * waveform[:1], np.array([True]))).shape == (128, 200, 4)


def test_colours_are_those_of_the_figures():
    from matplotlib import colormaps

    expected = colormaps[SEQUENTIAL].resampled(len(SEQUENTIAL_COLOURS))(range(len(SEQUENTIAL_COLOURS)), bytes=True)
    np.testing.assert_array_equal(expected[:, :3], SEQUENTIAL_COLOURS)

"""Pictures of a station-day show what they say, and are small enough that every station-day can have its own."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from waveform_builders import KEY, make_segment, ns_at

from ris_core.figures import day_pictures, sample_spectrograms
from ris_core.figures.raster import Raster, number_text, round_ticks
from ris_core.figures.style import BLUE, GAP, VERMILLION
from ris_core.waveforms.segments import Segment

FREQUENCY = np.arange(16, 103) * 50 / 256
TIME = np.arange(100) * 0.04
RATE = 5.0
ZERO = KEY.start_ns


def spectrograms(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centre = rng.uniform(5, 18, (n, 1, 1))
    peak = np.exp(-(((FREQUENCY[:, None] - centre) / 2) ** 2) - ((TIME - 1.9) / 0.4) ** 2)
    return np.asarray(peak + 1e-3 * rng.exponential(size=(n, 87, 100)))


def trace(start: float, stop: float, seed: int = 0, offset: float = 0.0) -> Segment:
    """Noise in [start, stop), in seconds of the day."""
    samples = offset + np.random.default_rng(seed).normal(0, 100, round((stop - start) * RATE))
    return make_segment(samples, RATE, ns_at(KEY, start))


def pixels(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def count(png: bytes, colour: str) -> int:
    """Pixels of a colour in the plot itself, above the legend."""
    return int((pixels(png)[:-40] == list(bytes.fromhex(colour[1:]))).all(axis=-1).sum())


def draw(pieces, seconds=None, is_event=None) -> bytes:
    found = None if seconds is None else np.array(seconds, float)
    return day_pictures.day_waveform(
        pieces, ZERO, "XX.S01 2015-01-10", found, None if is_event is None else np.array(is_event, bool)
    )


def test_pictures_are_small_enough_for_tens_of_thousands_of_them() -> None:
    rng = np.random.default_rng(0)
    day = draw([trace(0, 86400)], rng.uniform(0, 86400, 300), rng.random(300) < 0.9)
    four = sample_spectrograms.sample_spectrograms(spectrograms(4), FREQUENCY, TIME, ["00:00:12.5"] * 4)
    for png in (day, four):
        assert len(png) < 40_000
        assert max(pixels(png).shape) < 1000


def test_a_day_without_samples_says_so_and_keeps_its_size() -> None:
    empty, other = draw([]), draw([trace(-300, -10)])
    assert empty == other
    assert pixels(empty).shape == pixels(draw([trace(0, 86400)])).shape
    assert (pixels(empty).min(axis=-1) < 100).sum() > 300


def test_gaps_are_shaded_over_their_length_and_never_vanish() -> None:
    whole, long = draw([trace(-300, 86700)]), draw([trace(0, 40_000), trace(43_600, 86_400)])
    short = draw([trace(0, 40_000), trace(40_000.4, 86_400)])
    assert count(whole, GAP) == 0
    height = 39
    assert count(short, GAP) in range(1, height + 1)
    assert count(long, GAP) == pytest.approx(height * 720 * 3600 / 14_400, abs=2 * height)


def test_a_gap_that_lies_in_two_rows_is_shaded_in_both() -> None:
    shaded = draw([trace(0, 14_000), trace(15_000, 86_400)])
    rows = np.flatnonzero((pixels(shaded)[:-40] == list(bytes.fromhex(GAP[1:]))).all(axis=-1).any(axis=1))
    assert (np.diff(rows) > 1).sum() == 1


def test_events_are_marked_above_the_trace_and_other_detections_below() -> None:
    picture = draw([trace(0, 86400)], [10.0, 30_000.0, 50_000.0], [True, True, False])
    assert count(picture, VERMILLION) == 2 * count(picture, BLUE) > 0
    assert count(draw([trace(0, 86400)], [], []), VERMILLION) == 0


def test_detections_outside_the_day_are_not_drawn() -> None:
    assert count(draw([trace(0, 86400)], [-5.0, 86_400.0], [True, True]), VERMILLION) == 0


def test_a_picture_of_raw_samples_has_no_word_of_detections() -> None:
    plain, marked = draw([trace(0, 86400)]), draw([trace(0, 86400)], [], [])
    legend = (pixels(plain)[-30:] < 128).sum()
    assert legend < (pixels(marked)[-30:] < 128).sum()


def test_a_trace_with_an_offset_is_drawn_about_it() -> None:
    about_zero, shifted = draw([trace(0, 86400)]), draw([trace(0, 86400, offset=1e6)])
    differing = (pixels(about_zero)[30:-70] != pixels(shifted)[30:-70]).any(axis=-1)
    assert differing.mean() < 0.005


def test_one_great_event_does_not_flatten_the_day() -> None:
    quiet, loud = trace(0, 86400), trace(0, 86400)
    loud.samples[5] = 1e7
    assert count(draw([loud]), "#404040") > 0.8 * count(draw([quiet]), "#404040")


@pytest.mark.parametrize("kind", ["int32", "float32", "float64"])
def test_the_envelope_of_a_day_holds_its_extremes(kind: str) -> None:
    piece = trace(0, 86400)
    samples = piece.samples.astype(kind)
    samples[123_456] = 7000
    samples[200_001] = -8000
    low, high = day_pictures.envelope([make_segment(samples, RATE, ZERO)], ZERO, 3600)
    assert (high.max(), high.argmax()) == (7000.0, 123_456 // 120)
    assert (low.min(), low.argmin()) == (-8000.0, 200_001 // 120)
    np.testing.assert_array_equal(high, samples.reshape(3600, 120).max(axis=1))


def test_the_envelope_of_overlapping_pieces_is_that_of_both() -> None:
    low, high = day_pictures.envelope([trace(0, 1000), trace(500, 2000, seed=1)], ZERO, 864)
    assert np.isfinite(high[:20]).all()
    assert np.isnan(high[20:]).all()
    only = day_pictures.envelope([trace(500, 2000, seed=1)], ZERO, 864)[1]
    assert (high[5:20] >= only[5:20]).all()
    assert (low[:20] <= high[:20]).all()


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="detection_is_event has 1 values for 2 detection_seconds"):
        draw([trace(0, 600)], [1.0, 2.0], [True])


@pytest.mark.parametrize("scale", ["dB relative to max", "linear"])
@pytest.mark.parametrize(("n", "drawn"), [(1, 1), (3, 3), (5, 5), (12, 8)])
def test_up_to_eight_spectrograms_are_drawn(scale: sample_spectrograms.SpectrogramScale, n: int, drawn: int) -> None:
    picture = pixels(sample_spectrograms.sample_spectrograms(spectrograms(n), FREQUENCY, TIME, ["event"] * n, scale))
    # Every tile has its own maximum, in the colour map's last colour.
    greatest = (picture[:, :-70] == [253, 231, 36]).all(axis=-1)
    assert greatest.sum() >= 4 * drawn
    rows, columns = -(-drawn // 4), min(4, drawn)
    assert picture.shape[1] == 52 + columns * 214 + 66
    assert picture.shape[0] == 50 + rows * 218 + 8


def test_four_events_of_several_components_are_drawn_side_by_side() -> None:
    x = spectrograms(6)
    of_three = np.stack([x, x / 4, 0 * x], axis=1)
    picture = pixels(sample_spectrograms.sample_spectrograms(of_three, FREQUENCY, TIME, ["a"] * 6, components="ZNE"))
    assert picture.shape[:2] == (50 + 4 * 218 + 8, 52 + 3 * 214 + 66)
    brightest = (picture[:, :-70] == [253, 231, 36]).all(axis=-1)
    # The greatest power of each event is that of its first component.
    assert brightest[:, 52 : 52 + 200].sum() >= 16
    assert not brightest[:, 52 + 214 :].any()


@pytest.mark.parametrize(("frequencies", "times", "size"), [(20, 20, (180, 200)), (200, 400, (200, 400))])
def test_tiles_of_other_sizes_stay_legible(frequencies: int, times: int, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).random((2, frequencies, times))
    axes = np.linspace(1, 20, frequencies), np.linspace(0, 20, times)
    picture = pixels(sample_spectrograms.sample_spectrograms(x, *axes, ["a", "b"]))
    assert picture.shape[:2] == (50 + size[0] + 44 + 8, 52 + 2 * (size[1] + 14) + 66)


def test_no_events_give_a_picture_that_says_so() -> None:
    assert pixels(sample_spectrograms.sample_spectrograms(spectrograms(0), FREQUENCY, TIME, [])).min() < 100


def test_spectrograms_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(2, 80, 100\); expected \(n, 87, 100\)"):
        sample_spectrograms.sample_spectrograms(np.ones((2, 80, 100)), FREQUENCY, TIME, ["a", "b"])


def test_spectrograms_without_titles_are_refused() -> None:
    with pytest.raises(ValueError, match="titles has 1 entries for 2 spectrograms"):
        sample_spectrograms.sample_spectrograms(spectrograms(2), FREQUENCY, TIME, ["a"])


def test_an_all_zero_spectrogram_can_be_drawn() -> None:
    sample_spectrograms.sample_spectrograms(np.zeros((2, 87, 100)), FREQUENCY, TIME, ["a", "b"])


def test_channels_are_drawn_one_below_the_other_each_as_it_is_alone() -> None:
    traces = {"HHZ": [trace(0, 86_400)], "HHN": [trace(0, 40_000, seed=1)], "HHE": list[Segment]()}
    together = pixels(day_pictures.day_waveforms(traces, ZERO, "S01"))
    alone = [pixels(day_pictures.day_waveform(p, ZERO, f"S01, {code}")) for code, p in traces.items()]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_the_same_picture_drawn_in_many_threads_gives_the_same_bytes() -> None:
    def both(_: int) -> bytes:
        one = sample_spectrograms.sample_spectrograms(spectrograms(3), FREQUENCY, TIME, ["a", "b", "c"])
        return one + draw([trace(0, 86400)], [5.0], [True])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(both, range(8)))) == 1


def test_drawing_loads_no_canvas() -> None:
    loaded = "'matplotlib.pyplot' in sys.modules or 'matplotlib.backends.backend_agg' in sys.modules"
    code = (
        "import sys, numpy as np; from ris_core.figures import day_pictures as d, sample_spectrograms as s; "
        f"d.day_waveform([], 0, 'day'); s.sample_spectrograms(np.ones((1, 3, 4)), np.arange(3.), np.arange(4.), 'a'); "
        f"sys.exit({loaded})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_more_colours_than_a_palette_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="247 colours"):
        Raster(10, 10, ["#000000"] * 247)


def test_text_at_the_edge_is_cut_off_and_not_an_error() -> None:
    raster = Raster(30, 20, [])
    for x, y in ((0, 0), (29, 19), (-50, 5), (15, 60)):
        raster.text(x, y, "edge")
        raster.text(x, y, "edge", upright=True)
    assert pixels(raster.png()).shape == (20, 30, 3)


def test_ticks_are_round_few_and_inside() -> None:
    assert round_ticks(3.125, 19.92, 4) == [5.0, 10.0, 15.0]
    assert round_ticks(-30.0, 0.0, 3) == [-30.0, -20.0, -10.0, 0.0]
    assert round_ticks(5.0, 5.0, 3) == [5.0]
    assert [number_text(v) for v in (-0.0, -1234567.0, 0.5)] == ["0", "−1,234,567", "0.5"]

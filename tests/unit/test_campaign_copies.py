"""The copies of events on which `bench.campaign` measures trainings."""

from typing import Any

import numpy as np

from bench.campaign_copies import copies
from ris_core.contracts.events import Events

LEAD, SAMPLES = 2, 6


def events_of(n: int, **more: Any) -> Events:
    random = np.random.default_rng(3)
    context = random.normal(size=(n, 1, 10)).astype(np.float32)
    return Events(
        spectrogram=random.random((n, 4, 5), dtype=np.float32) + 0.1,
        waveform=context[:, 0, LEAD : LEAD + SAMPLES],
        frequency=np.arange(4.0),
        time=np.arange(5.0),
        event_id=tuple(f"XH.S01..HHZ.20150411T032703.{number:06d}" for number in range(0, 100 * n, 100)),
        time_peak=np.arange(n),
        window_start=np.arange(n),
        sampling_rate=50.0,
        **({"context": context, "context_lead": LEAD} | more),
    )


def test_no_two_copies_are_the_same_event() -> None:
    found = copies(events_of(3), 8)
    assert len(found) == len(set(found.event_id)) == 8
    assert found.event_id[0] == events_of(3).event_id[0]
    assert len(np.unique(found.spectrogram.reshape(8, -1), axis=0)) == 8
    assert len(np.unique(found.waveform, axis=0)) == 8
    assert (found.spectrogram > 0).all()
    assert found.time_peak.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_the_waveform_is_a_part_of_its_context_and_noise_has_the_gain_of_its_event() -> None:
    quiet = np.ones((3, 1, 4), np.float32)
    found = copies(events_of(3, noise_psd=quiet), 8)
    assert found.context is not None and found.noise_psd is not None
    np.testing.assert_array_equal(found.waveform, found.context[:, 0, LEAD : LEAD + SAMPLES])
    assert len(np.unique(found.noise_psd)) == 8


def test_events_without_context_have_copies_too() -> None:
    found = copies(events_of(3, context=None, context_lead=0), 2)
    assert found.context is None
    assert (len(found), found.waveform.shape) == (2, (2, SAMPLES))

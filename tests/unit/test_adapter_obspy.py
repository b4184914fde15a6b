"""What we rely on of ObsPy and its documentation leaves open: fails when another version changes it."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager

import numpy as np
import pytest
from contracts import relied_upon
from obspy import Stream, Trace, read
from obspy.io.mseed import InternalMSEEDError
from obspy.signal.interpolation import lanczos_interpolation
from obspy.signal.trigger import trigger_onset
from waveform_builders import make_settings

from ris_core.synthetic.seismometer import build_inventory, response


def obspy_keeps(what: str, by: str) -> AbstractContextManager[None]:
    return relied_upon("obspy", what, f"ris_core/{by}.py")


def test_data_centres_have_names_and_base_urls() -> None:
    with obspy_keeps("URL_MAPPINGS has a base URL, without /fdsnws, by upper-case name", "waveforms/fdsn_providers"):
        from obspy.clients.fdsn.header import URL_MAPPINGS

        assert {"EARTHSCOPE", "GEOFON", "ORFEUS", "IRIS"} <= URL_MAPPINGS.keys()
        assert all(url.startswith("http") and not url.rstrip("/").endswith("/fdsnws") for url in URL_MAPPINGS.values())
        assert all(name == name.upper() for name in URL_MAPPINGS)


def test_steps_that_steim_2_cannot_hold_are_an_error_of_their_own() -> None:
    with obspy_keeps("writing STEIM2 raises InternalMSEEDError for steps of 2^29 or more", "waveforms/stored"):
        stream, written = Stream([Trace(np.array([0, 2**30, -(2**30)], dtype=np.int32))]), io.BytesIO()
        with pytest.raises(InternalMSEEDError):
            stream.write(written, format="MSEED", encoding="STEIM2")
        stream.write(written, format="MSEED", encoding="INT32")
        written.seek(0)
        assert read(written)[0].data.tolist() == [0, 2**30, -(2**30)]


def test_a_response_is_evaluated_at_any_frequencies_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    what = "get_evalresp_response_for_frequencies() gives counts per unit of ground motion, quietly if asked to"
    with obspy_keeps(what, "processing/usable_response"):
        described = build_inventory(make_settings(), "S01")[0][0][0].response
        described.instrument_sensitivity.value *= 2
        frequency = np.array([1.0, 5.0, 20.0])
        found = described.get_evalresp_response_for_frequencies(
            frequency, output="VEL", hide_sensitivity_mismatch_warning=True
        )
        np.testing.assert_allclose(found, response(frequency), rtol=1e-6)
        assert [str(w.message) for w in recwarn if "sensitivity" in str(w.message)] == []


def test_onsets_are_first_and_last_samples_of_triggers() -> None:
    with obspy_keeps("trigger_onset() gives [first, last], one row a trigger", "processing/detect"):
        values = np.array([0, 2, 5, 2, 0, 0, 5, 2.0])
        assert np.asarray(trigger_onset(values, 4, 1)).tolist() == [[2, 3], [6, 7]]
        assert len(trigger_onset(np.zeros(4), 4, 1)) == 0


def test_interpolation_starts_where_it_is_told() -> None:
    what = "lanczos_interpolation() takes the first sample's time, the new start, the new interval and the new count"
    with obspy_keeps(what, "processing/condition"):
        time = np.arange(400) / 100
        found = lanczos_interpolation(np.sin(2 * np.pi * time), 0.0, 0.01, 1.003, 0.02, 50, a=20)
        np.testing.assert_allclose(found, np.sin(2 * np.pi * (1.003 + np.arange(50) / 50)), atol=1e-3)

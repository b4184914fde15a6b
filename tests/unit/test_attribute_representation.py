"""The representation of attributes: standardised, limited, kept, and refused where events are others."""

from dataclasses import replace

import numpy as np
import pytest
from attribute_builders import events_around, wavelets
from representation_builders import ArrayEvents

from ris_core.attributes import attributes
from ris_core.config import PAPER_INPUT, AttributesSettings
from ris_core.contracts.events import MissingPartError
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.representations.attributes import AttributesRepresentation
from ris_core.representations.representation import representation_class


@pytest.fixture(scope="module")
def events() -> ArrayEvents:
    return ArrayEvents(events_around(*wavelets(60, noise=0.3)), PAPER_INPUT)


def test_features_are_attributes_in_deviations(events: ArrayEvents) -> None:
    fitted = AttributesRepresentation.fit(events, AttributesSettings(clip=2))
    found, values = fitted.features(events.events), attributes(events.events).to_numpy(np.float64)
    assert found.shape == (60, fitted.dimensions) == (60, 70)
    assert [column.name for column in fitted.columns] == list(attributes(events.events).columns)
    varies = values.std(axis=0) > 1e-6
    wanted = (values - values.mean(axis=0))[:, varies] / values.std(axis=0)[varies]
    np.testing.assert_allclose(found[:, varies], np.clip(wanted, -2, 2), atol=1e-5)
    assert np.abs(found).max() == 2 and not found[:, ~varies].any()


def test_a_kept_one_gives_the_same_features(events: ArrayEvents) -> None:
    fitted = AttributesRepresentation.fit(events, AttributesSettings(windows=(3, 6), above_noise=2))
    built = representation_class("attributes").build(events.input, fitted.spec(), fitted.arrays())
    np.testing.assert_array_equal(built.transform(events.events), fitted.transform(events.events))
    assert built.dimensions == 70 and built.decode(np.zeros((1, 70))) is None
    with pytest.raises(ValueError, match="70 means and deviations"):
        AttributesRepresentation.build(events.input, fitted.spec(), {"mean": np.zeros(3), "deviation": np.ones(3)})


def test_events_of_other_noise_spectra_or_contexts_are_refused(events: ArrayEvents) -> None:
    fitted = AttributesRepresentation.fit(events, AttributesSettings())
    fitted.require(events)
    with pytest.raises(InputMismatchError, match=r"context\.noise_quantile: the model takes 0\.25, the data have 0\.3"):
        fitted.require(replace(events, noise_quantile=0.3))
    with pytest.raises(InputMismatchError, match="sampling_rate"):
        fitted.require(replace(events, input=replace(PAPER_INPUT, sampling_rate=100.0)))
    given = events.events
    with pytest.raises(InputMismatchError, match=r"spectrogram\.window: the model takes 20 samples, the data have 26"):
        fitted.transform(replace(given, context_lead=given.context_lead - 3))
    assert given.context is not None and given.context_recorded is not None
    short = replace(
        given,
        context=np.ascontiguousarray(given.context[..., 450:750]),
        context_recorded=np.clip(given.context_recorded - 450, 0, 300),
        context_lead=given.context_lead - 450,
    )
    with pytest.raises(InputMismatchError, match=r"name windows of at most 5\.\d+ s, or raise context\.half_length"):
        fitted.transform(short)
    # One that holds the windows gives the same, however long it is.
    enough = replace(
        given,
        context=np.ascontiguousarray(given.context[..., 300:900]),
        context_recorded=np.clip(given.context_recorded - 300, 0, 600),
        context_lead=given.context_lead - 300,
    )
    np.testing.assert_array_equal(fitted.transform(enough), fitted.transform(given))
    with pytest.raises(MissingPartError, match="there is no context"):
        fitted.transform(replace(given, context=None))
    with pytest.raises(ValueError, match="draw a larger training set"):
        AttributesRepresentation.fit(replace(events, events=given.take(slice(0, 1))), AttributesSettings())

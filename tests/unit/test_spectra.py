"""The representation of spectra: decibels above the noise, principal components, their inverse and their error."""

import re
from dataclasses import replace

import numpy as np
import pytest
from representation_builders import ArrayEvents, events_of, noisy_events

from ris_core.config import SpectraSettings
from ris_core.contracts.events import MissingPartError
from ris_core.representations.representation import representation_class
from ris_core.representations.spectra import Spectra, above_noise
from ris_core.training.normalise import SpectrogramError

QUARTILE = 0.25


def test_noise_without_an_event_lies_at_zero_decibels() -> None:
    rng = np.random.default_rng(1)
    # The PSD of Gaussian noise is exponentially distributed about its mean, here 7.
    columns = rng.exponential(7.0, (1, 4, 20_000))
    noise = np.quantile(rng.exponential(7.0, (1, 1, 4, 20_000)), QUARTILE, axis=3)
    found = above_noise(events_of(columns, noise), QUARTILE, -100, 100)
    np.testing.assert_allclose(found, 0, atol=0.15)


def test_values_are_decibels_between_floor_and_ceiling() -> None:
    noise = np.full((1, 1, 4), -np.log(0.75), np.float32)  # of a mean noise of 1
    power = np.array([[[100.0], [1e-3], [0.0], [1e30]]]) * np.ones(5)
    found = above_noise(events_of(power, noise), QUARTILE, 0, 120)
    np.testing.assert_allclose(found, [[20, 0, 0, 120]], atol=1e-5)


def test_a_missing_component_has_no_influence() -> None:
    whole = noisy_events(40, 3)
    power, noise = whole.events.spectrogram.copy(), np.array(whole.events.noise_psd)
    power[::4, 1], noise[::4, 1] = 0, 0
    events = ArrayEvents(events_of(power, noise), whole.input)
    fitted = Spectra.fit(events, SpectraSettings(dimensions=30))
    block = next(events.blocks(Spectra.needs))
    z = fitted.transform(block)
    assert np.isfinite(z).all()
    recorded = above_noise(block, QUARTILE, 0, 120).reshape(40, 3, 87)
    assert np.isnan(recorded[::4, 1]).all() and np.isfinite(np.delete(recorded, np.arange(0, 40, 4), axis=0)).all()
    # What is not there is as in the mean of the others, up to what 30 components leave out.
    mean = recorded[np.arange(40) % 4 > 0, 1].mean(axis=0)
    assert np.abs(fitted.decode(z)[::4, 1] - mean).mean() < 0.2
    np.testing.assert_array_less(fitted.reconstruction_error(block, z), 1.0)


def test_gain_of_the_instrument_does_not_matter() -> None:
    events = noisy_events(40)
    power, noise = events.events.spectrogram, events.events.noise_psd
    louder = ArrayEvents(events_of(power * np.float32(1e6), noise * np.float32(1e6)), events.input)
    fitted = Spectra.fit(events, SpectraSettings(dimensions=5))
    np.testing.assert_allclose(
        fitted.transform(next(louder.blocks(Spectra.needs))),
        fitted.transform(next(events.blocks(Spectra.needs))),
        atol=1e-3,
    )


@pytest.mark.parametrize("components", [1, 3])
def test_principal_components_explain_events_and_are_inverted(components: int) -> None:
    events = noisy_events(60, components)
    block = next(events.blocks(Spectra.needs))
    few, many = (Spectra.fit(events, SpectraSettings(dimensions=d)) for d in (2, 59))
    z = many.transform(block)
    assert (z.shape, z.dtype, many.dimensions) == ((60, 59), np.float32, 59)
    wanted = above_noise(block, QUARTILE, 0, 120)
    decoded = many.decode(z)
    assert decoded.shape[1:] == ((87,) if components == 1 else (3, 87))
    np.testing.assert_allclose(decoded.reshape(60, -1), wanted, atol=1e-3)
    np.testing.assert_allclose(many.reconstruction_error(block, z), 0, atol=1e-6)
    rest = few.decode(few.transform(block)).reshape(60, -1) - wanted
    np.testing.assert_allclose(
        few.reconstruction_error(block, few.transform(block)), np.square(rest).mean(axis=1), rtol=1e-3
    )


def test_the_same_events_give_the_same_and_stored_arrays_give_it_back() -> None:
    events = noisy_events(30)
    block = next(events.blocks(Spectra.needs))
    first, second = (Spectra.fit(events, SpectraSettings(dimensions=6)) for _ in range(2))
    built = representation_class("spectra").build(events.input, first.spec(), first.arrays())
    for other in (second, built):
        np.testing.assert_array_equal(other.transform(block), first.transform(block))
    assert built.input == events.input


def test_events_without_noise_spectra_are_refused_by_name() -> None:
    events = noisy_events(5)
    events.events = replace(events.events, noise_psd=None)
    with pytest.raises(MissingPartError, match="process their station-days again"):
        Spectra.fit(events, SpectraSettings())


def test_arrays_of_other_events_are_refused() -> None:
    fitted = Spectra.fit(noisy_events(10), SpectraSettings(dimensions=3))
    with pytest.raises(ValueError, match="do not fit 3 component"):
        Spectra.build(noisy_events(1, 3).input, fitted.spec(), fitted.arrays())


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_event_without_a_spectrum_is_refused_by_name(components: int, value: float) -> None:
    events = noisy_events(10, components)
    fitted = Spectra.fit(events, SpectraSettings(dimensions=3))
    spectrogram = events.events.spectrogram.copy()
    spectrogram[4] = value
    spoilt = replace(events.events, spectrogram=spectrogram)
    with pytest.raises(SpectrogramError, match=rf"1 of 10 events .*: {re.escape(spoilt.event_id[4])}; leave"):
        fitted.transform(spoilt)

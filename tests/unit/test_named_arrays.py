"""The arrays that packages take by name: which ones, what is refused, and the events that they make."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from level_representation import Levels, LevelSettings
from representation_builders import ArrayEvents, noisy_events

from ris_core.config import ConditioningSettings, SpectrogramSettings
from ris_core.contracts.events import PARTS, Events, MissingPartError, bare_events
from ris_core.contracts.input_spec import InputMismatchError
from ris_core.processing.spectrograms import plan
from ris_core.representations.representation import FloatArray
from ris_core.serving.example import example_answer
from ris_core.serving.named_arrays import NamedArrays
from ris_core.serving.package import NoPackageError, Package

N, SAMPLES, LEAD = 5, 60, 20


def events(components: int) -> Events:
    """Return events with all arrays; of several components some were not recorded."""
    rng = np.random.default_rng(components)
    found = noisy_events(N, components).events
    shape = (N, components) if components > 1 else (N,)
    return replace(
        found,
        waveform=rng.normal(size=(*shape, 218)).astype(np.float32),
        context=rng.normal(size=(N, components, SAMPLES)).astype(np.float32),
        context_recorded=np.tile(np.array([3, SAMPLES], np.int32), (N, components, 1)),
        context_lead=LEAD,
        noise_columns=np.full((N, components), 90, np.int32),
        recorded=np.arange(N * components).reshape(N, components) > 1 if components > 1 else None,
        unit="m/s",
    )


@pytest.mark.parametrize("components", [1, 3])
def test_all_that_a_model_may_read_comes_back_as_it_was(components: int) -> None:
    given, takes = events(components), noisy_events(1, components).input
    for needs in ((part,) for part in PARTS):
        written = json.loads(json.dumps(NamedArrays.of(given, needs).as_record()))
        arrays = NamedArrays.from_record(written)
        checked = arrays.checked(arrays.of_events(given), takes)
        found = bare_events(checked, given.frequency, given.time, 50.0, takes.components, **arrays.common)
        found.require(*needs)
        same = {"spectrogram": [], "waveform": [], "context": ["context_recorded"], "noise_psd": ["noise_columns"]}
        for name in (*needs, *same[needs[0]], "recorded"):
            np.testing.assert_array_equal(getattr(found, name), getattr(given, name))
        assert (found.context_lead, found.unit, found.components) == (LEAD, "m/s", given.components)
        for part in PARTS:
            if part not in needs:
                with pytest.raises(MissingPartError):
                    found.require(part)


def test_other_numbers_are_turned_into_the_types_of_the_events() -> None:
    given = events(3)
    arrays = NamedArrays.of(given, ("context",))
    values = {name: array.tolist() for name, array in arrays.of_events(given).items()}
    found = arrays.checked(values, noisy_events(1, 3).input)
    assert {name: array.dtype.name for name, array in found.items()} == {
        "context": "float32",
        "context_recorded": "int32",
        "recorded": "bool",
    }


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"context": np.zeros((N, 1, 50))}, InputMismatchError, r"context: .* takes \(N, 1, 60\), .* \(5, 1, 50\)"),
        ({"noise_psd": np.zeros((N, 2, 87))}, InputMismatchError, r"noise_psd: .* takes \(N, 1, 87\), .* \(5, 2, 87\)"),
        ({"waveform": np.zeros((N, 1, 218))}, InputMismatchError, r"waveform: .* takes \(N, 218\), .* \(5, 1, 218\)"),
        ({"noise_columns": np.array(90)}, InputMismatchError, r"noise_columns: .* takes \(N, 1\), .* have \(\)"),
        ({"waveform": np.zeros((4, 218))}, ValueError, "same number of events, .*waveform 4"),
        ({"waveform": np.full((N, 218), np.inf)}, ValueError, "waveform of 5 of 5 events is not finite.*row 0 and"),
        ({"waveform": np.full((N, 218), 1e300)}, ValueError, "waveform of 5 of 5 events is not finite in single"),
        ({"waveform": np.full((N, 218), "a")}, ValueError, "waveform must hold numbers"),
        ({"noise_columns": np.full((N, 1), 0.5)}, ValueError, r"noise_columns must hold whole numbers \(int32\)"),
        ({"noise_columns": np.full((N, 1), -1)}, ValueError, "noise_columns of 5 of 5 events is below 0"),
        ({"noise_columns": np.full((N, 1), 2**32 + 5)}, ValueError, "noise_columns of 5 of 5 events is .*too large"),
        ({"context_recorded": np.full((N, 1, 2), 61)}, ValueError, "context_recorded of 5 .* 60 samples"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], error: type[Exception], match: str) -> None:
    given = events(1)
    arrays = NamedArrays.of(given, PARTS)
    with pytest.raises(error, match=match):
        arrays.checked(arrays.of_events(given) | changes, noisy_events(1).input)


def test_all_arrays_that_are_missing_are_named() -> None:
    given = events(1)
    arrays = NamedArrays.of(given, ("context", "noise_psd"))
    with pytest.raises(ValueError, match=r"takes the arrays context, .*; missing: context_recorded, noise_columns"):
        arrays.checked({"context": given.context, "noise_psd": given.noise_psd}, noisy_events(1).input)


def test_no_events_are_taken_too() -> None:
    given = events(1)
    arrays = NamedArrays.of(given, PARTS)
    none = {name: array[:0] for name, array in arrays.of_events(given).items()}
    assert {len(array) for array in arrays.checked(none, noisy_events(1).input).values()} == {0}


class ReadingTimes(Levels):
    """Reads what no package knows."""

    def transform(self, events: Events) -> FloatArray:
        return super().transform(events) + events.time_peak[:, None].astype(np.float32)


class ReadingMore(Levels):
    """Reads what it does not say that it needs."""

    needs = ("spectrogram",)


@pytest.mark.parametrize(
    ("representation", "match"),
    [(ReadingTimes, "latent of the model are others.*`needs`"), (ReadingMore, "fails without.*`needs`")],
)
def test_a_model_that_reads_more_than_the_package_takes_is_not_packaged(
    representation: type[Levels], match: str
) -> None:
    given, takes = replace(events(3), recorded=None), noisy_events(1, 3).input
    constants = plan(SpectrogramSettings(), ConditioningSettings())
    for one in (Levels, representation):
        arrays = NamedArrays.of(given, one.needs)
        model = one.fit(ArrayEvents(given, takes), LevelSettings())
        package = Package(model, "events", constants, arrays=arrays)
        if one is Levels:
            assert example_answer(package, arrays.of_events(given), given)["latent"].shape == (N, 15)
        else:
            with pytest.raises(NoPackageError, match=match):
                example_answer(package, arrays.of_events(given), given)

"""Profiles of settings, and what of training and clustering is refused."""

from pathlib import Path

import dagster as dg
import pytest
from pydantic import ValidationError
from waveform_builders import settings_values

from ris_core.config import RECOMMENDED, Settings
from ris_dagster import hyperparameters
from ris_dagster.assets.clustering import build_clustering_assets
from ris_dagster.partitions import build_partitions
from ris_dagster.resources.data_store import DataStore
from ris_dagster.resources.tracking import Tracking


def make(**values: object) -> Settings:
    return Settings.model_validate(settings_values() | values)


def test_the_profile_paper_is_the_default_and_changes_nothing() -> None:
    assert make() == make(profile="paper")
    assert make().aec.latent == "relu"
    assert make().dec.objective == "joint"
    assert make().normalisation.scale == "linear"


def test_the_recommended_profile_changes_what_it_says_and_nothing_else() -> None:
    paper, recommended = make().model_dump(), make(profile="recommended").model_dump()
    for section, values in RECOMMENDED.items():
        if section == "candidates":
            assert list(recommended.pop(section)) == values != list(paper.pop(section))
            continue
        named = make(**{section: values}).model_dump()[section]
        for name in values:
            assert named[name] != paper[section][name]
            assert recommended[section].pop(name) == named[name]
            paper[section].pop(name)
    assert recommended.pop("profile") == "recommended"
    assert paper.pop("profile") == "paper"
    assert recommended == paper


def test_values_that_are_named_stand_above_the_profile() -> None:
    settings = make(profile="recommended", aec={"latent": "relu"}, normalisation={"scale": "linear"})
    assert settings.aec.latent == "relu"
    assert settings.normalisation.scale == "linear"
    assert settings.aec.schedule == RECOMMENDED["aec"]["schedule"]


def test_a_profile_survives_json() -> None:
    settings = make(profile="recommended", aec={"max_epochs": 7})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"profile": "best"}, "profile"),
        ({"profile": "recommended", "aec": 3}, "aec"),
        ({"training_set": {"held_out_stations": ["NONE"]}}, "held_out_stations: NONE are not among the stations"),
        (
            {"stability": {"vary": "autoencoder"}, "dec": {"initialisation": "given", "centroids": "centroids.npy"}},
            "centroids belong to the latents of one autoencoder; set stability.vary to clusters",
        ),
        ({"dec": {"initialisation": "given"}}, "initialisation 'given' needs centroids"),
        ({"novelty": {"false_alarms": 0}}, "false_alarms"),
        ({"dec": {"objective": "dec"}}, "novelty.score cannot be reconstruction"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**values)


def test_all_stations_cannot_be_held_out() -> None:
    codes = [station.code for station in make().stations]
    with pytest.raises(ValidationError, match="no station is left to train on"):
        make(training_set={"held_out_stations": codes})


def test_memory_decides_nothing_about_the_training_set() -> None:
    small, large = make(training_set={"in_memory": 0}), make(training_set={"in_memory": 100})
    assert small.training_set.drawing_values() == large.training_set.drawing_values()


def test_the_launchpad_refuses_what_the_settings_refuse(tmp_path: Path) -> None:
    settings = make()
    asset = build_clustering_assets(settings, build_partitions(settings))[-1]
    context = dg.build_asset_context(partition_key=str(settings.dec.k[0]))
    chosen = hyperparameters.dec_config(settings)(objective="dec")
    resources = {"store": DataStore.of(settings), "tracking": Tracking.of(settings, tmp_path)}
    with pytest.raises(ValueError, match=r"dec\.objective is dec.*novelty\.score cannot be reconstruction"):
        list(asset(context, config=chosen, **resources))  # type: ignore[call-overload]


def test_the_recommended_window_fits_and_nothing_speaks_against_it() -> None:
    settings = make(profile="recommended")
    assert settings.input_spec().shape == (87, 100)
    assert settings.input_spec().window == 10
    assert settings.doubts() == ()


def test_the_windows_of_imported_events_are_those_of_their_file() -> None:
    values = settings_values() | {"profile": "recommended", "source": {"kind": "published"}}
    settings = Settings.model_validate(values)
    assert settings.spectrogram == make().spectrogram
    assert settings.candidates == ("aec/dec",)
    assert settings.normalisation.scale == "decibel"


def test_the_recommended_candidates_are_ranked_and_each_has_a_score_of_novelty() -> None:
    settings = make(profile="recommended")
    assert settings.champion_candidate is None
    assert settings.novelty.score_of(True) == "reconstruction"
    assert settings.novelty.score_of(False) == "distance"
    with pytest.raises(ValidationError, match="attributes of attributes/consensus has no decoder"):
        make(profile="recommended", novelty={"score": "reconstruction"})
    alone = make(profile="recommended", candidates=["aec/dec"])
    assert alone.champion_candidate is not None and str(alone.champion_candidate) == "aec/dec"

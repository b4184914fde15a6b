"""Novelty: outliers score higher, thresholds keep what they promise, and a model comes back from disk as it was."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ris_core import config
from ris_core.clustering.novelty import NoveltyModel, conformal_threshold, fit_novelty
from ris_core.storage.damage import DamagedFileError

Array = NDArray[Any]
CENTRES = 10.0 * np.eye(9)[:3]
SCORES = ("reconstruction", "distance", "probability")


def memberships(z: Array) -> Array:
    kernel = 1 / (1 + np.square(z[:, None] - CENTRES).sum(axis=2))
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def events(n: int, seed: int) -> dict[str, Array]:
    """Return n events of three clusters, stretched along one dimension; two latents are dead."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    z = CENTRES[labels] + rng.normal(0, [0.2, 0.2, 0.2, 2.0, 0.2, 0.2, 0.2, 0, 0], (n, 9))
    return {"z": z, "labels": labels, "q": memberships(z), "errors": rng.gamma(9, 1e-6, n)}


def settings(score: str = "distance", false_alarms: float = 0.05) -> config.NoveltySettings:
    return config.NoveltySettings.model_validate({"score": score, "false_alarms": false_alarms})


def fitted(n: int = 4000, seed: int = 0, **values: Any) -> NoveltyModel:
    held_out = np.random.default_rng(seed).random(n) < 0.25
    return fit_novelty(**events(n, seed), held_out=held_out, settings=settings(**values))


def scored(model: NoveltyModel, found: dict[str, Array]) -> dict[str, Array]:
    return dict(model.scores(found["z"], found["q"], found["errors"]))


def test_the_number_of_blas_threads_does_not_change_a_bit() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 20_000)
    z = rng.normal(labels[:, None], 1, (len(labels), 20))
    q, held_out = np.eye(3)[labels], np.arange(len(labels)) % 5 == 0
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            model = fit_novelty(z, labels, q, None, held_out, settings())
            found.append((model.digest, model.novelty(z, q, None).tobytes()))
    assert found[0] == found[1] == found[2]


def test_events_far_from_every_cluster_score_higher() -> None:
    model, usual = fitted(), events(500, 1)
    strange = events(500, 2)
    strange["z"] = strange["z"] + np.eye(9)[5] * 5
    strange |= {"q": memberships(strange["z"]), "errors": strange["errors"] * 20}
    for name in SCORES:
        assert np.median(scored(model, strange)[name]) > np.quantile(scored(model, usual)[name], 0.95), name


def test_the_distance_is_in_units_of_the_clusters_own_spread() -> None:
    model = fitted(20_000)
    along, across = CENTRES[:1] + 2.0 * np.eye(9)[3], CENTRES[:1] + 2.0 * np.eye(9)[4]
    distance = [float(model.scores(z, memberships(z), None)["distance"][0]) for z in (along, across)]
    np.testing.assert_allclose(distance, [1.0, 10.0], rtol=0.05)


def test_a_latent_that_was_dead_in_training_is_left_out() -> None:
    model, usual = fitted(), events(50, 3)
    moved = usual["z"] + np.eye(9)[8]
    assert model.live.tolist() == [True] * 7 + [False] * 2
    assert model.means.shape == (3, 7)
    np.testing.assert_array_equal(
        model.scores(moved, usual["q"], None)["distance"], model.scores(usual["z"], usual["q"], None)["distance"]
    )


@pytest.mark.parametrize("score", SCORES)
def test_as_many_further_events_exceed_the_threshold_as_the_settings_say(score: str) -> None:
    model = fitted(8000, score=score, false_alarms=0.05)
    found = events(20_000, 9)
    novelty = model.novelty(found["z"], found["q"], found["errors"])
    np.testing.assert_array_equal(novelty, scored(model, found)[score])
    np.testing.assert_array_equal(model.assigned(novelty), novelty <= model.threshold)
    assert np.mean(~model.assigned(novelty)) == pytest.approx(0.05, abs=0.015)


def test_on_average_no_more_further_events_exceed_the_threshold_however_few_are_held_out() -> None:
    rng = np.random.default_rng(1)
    for n, alpha in ((19, 0.05), (30, 0.1), (99, 0.01)):
        above = [rng.normal() > conformal_threshold(rng.normal(size=n), alpha) for _ in range(20_000)]
        assert np.mean(above) <= alpha + 3 * np.sqrt(alpha / len(above))


def test_the_threshold_is_the_order_statistic_of_n_plus_one() -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))
    assert conformal_threshold(scores, 0.01) == 99
    assert conformal_threshold(scores, 0.1) == 90
    assert conformal_threshold(scores[:50], 0.01) == np.inf


def test_too_few_held_out_events_assign_every_event_and_say_so() -> None:
    model = fitted(100, false_alarms=0.01)
    assert model.threshold == np.inf
    assert "novelty.false_alarms = 0.01, which needs 99" in model.note
    far = events(5, 1)["z"] + 100
    assert model.assigned(model.novelty(far, memberships(far), None)).all()
    assert fitted(4000).note == ""


def test_a_cluster_of_one_event_or_of_none_does_no_harm() -> None:
    found = events(400, 0)
    found["labels"] = np.where(np.arange(400) == 7, 5, found["labels"])
    held_out = np.arange(400) % 4 == 0
    model = fit_novelty(**found, held_out=held_out, settings=settings())
    assert len(model.means) == 4
    assert np.isfinite(model.scores(found["z"], found["q"], None)["distance"]).all()


@pytest.mark.parametrize("count", [100, 4000])
def test_a_model_comes_back_from_disk_with_the_same_scores(tmp_path: Path, count: int) -> None:
    model, path = fitted(count, false_alarms=0.01), tmp_path / "novelty.safetensors"
    model.save(path)
    again = NoveltyModel.load(path)
    assert again.digest == model.digest
    assert (again.score, again.thresholds, again.held_out) == (model.score, model.thresholds, model.held_out)
    found = events(50, 4)
    for name, values in scored(model, found).items():
        np.testing.assert_array_equal(scored(again, found)[name], values)
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_models_that_differ_have_other_digests() -> None:
    model = fitted()
    assert dataclasses.replace(model, score="probability").digest != model.digest
    assert dataclasses.replace(model, means=model.means + 1e-9).digest != model.digest


def test_files_that_hold_something_else_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "novelty.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DamagedFileError, match=r"novelty\.safetensors: damaged .*; choose the same model as champion"):
        NoveltyModel.load(path)
    with pytest.raises(DamagedFileError, match=r"absent: damaged \(there is no such file\)"):
        NoveltyModel.load(tmp_path / "absent")
    model = fitted()
    model.save(path)
    assert NoveltyModel.load(path, model.digest).digest == model.digest
    with pytest.raises(DamagedFileError, match=f"has the digest {model.digest}, not another"):
        NoveltyModel.load(path, "another")


def test_a_file_of_an_earlier_version_without_a_digest_is_read(tmp_path: Path) -> None:
    model, path = fitted(), tmp_path / "novelty.safetensors"
    about = {"novelty": json.dumps(model._description() | {"format": "1"}, sort_keys=True)}
    arrays = {"live": model.live, "means": model.means, "whitening": model.whitening}
    safetensors.numpy.save_file(arrays, path, about)
    assert NoveltyModel.load(path, model.digest).digest == model.digest


def test_without_reconstruction_the_other_two_scores_are_there() -> None:
    found = events(400, 0) | {"errors": None}
    held_out = np.arange(400) % 4 == 0
    model = fit_novelty(**found, held_out=held_out, settings=settings())
    assert set(model.thresholds) == set(model.scores(found["z"], found["q"], None)) == {"distance", "probability"}
    with pytest.raises(ValueError, match=r"novelty\.score is 'reconstruction'"):
        fit_novelty(**found, held_out=held_out, settings=settings("reconstruction"))


def test_what_does_not_belong_together_is_refused() -> None:
    found, held_out = events(40, 0), np.arange(40) < 10
    with pytest.raises(ValueError, match=r"labels \(39,\)"):
        fit_novelty(**(found | {"labels": found["labels"][1:]}), held_out=held_out, settings=settings())
    with pytest.raises(ValueError, match="latents hold values that are not finite"):
        fit_novelty(**(found | {"z": found["z"] * np.nan}), held_out=held_out, settings=settings())
    with pytest.raises(ValueError, match="0 of 40 events are held out"):
        fit_novelty(**found, held_out=held_out & False, settings=settings())
    with pytest.raises(ValueError, match="none of the 9 latent dimensions varies"):
        fit_novelty(**(found | {"z": np.ones((40, 9))}), held_out=held_out, settings=settings())


def test_a_day_without_events_has_empty_scores() -> None:
    found = scored(fitted(), {"z": np.empty((0, 9)), "q": np.empty((0, 3)), "errors": np.empty(0)})
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(SCORES, (0,))

"""Class models as models that label: what they say, on disk, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from representation_builders import noisy_events

from ris_core.clustering.open_models import open_model
from ris_core.clustering.reviewed.fitted_classes import fit_classes
from ris_core.clustering.reviewed.reviewed_model import ReviewedModel
from ris_core.config import ClassModelSettings, SpectraSettings
from ris_core.contracts.candidate_name import REVIEWED, CandidateName
from ris_core.contracts.reviewed_classes import Renamed, ReviewedClasses, renames_of
from ris_core.models.model_file import WEIGHTS_FILE
from ris_core.representations.spectra import Spectra
from ris_core.storage.damage import DamagedFileError

EVENTS = noisy_events(60)
CPU = torch.device("cpu")
SETTINGS = ClassModelSettings(trees=20, folds=4)


@pytest.fixture(scope="module")
def model() -> ReviewedModel:
    spectra, wider = (Spectra.fit(EVENTS, SpectraSettings(dimensions=n)) for n in (3, 5))
    z = np.concatenate([one.transform(EVENTS.events) for one in (spectra, wider)], axis=1)
    names = ["rift" if value > np.median(z[:, 0]) else "noise" for value in z[:, 0]]
    rows = np.arange(40)
    reviewed = [names[row] for row in rows]
    fitted = fit_classes(z[rows], reviewed, rows, rows % 3 == 0, SETTINGS, 0, z)
    classes = ReviewedClasses(
        names=fitted.names,
        reviewed={EVENTS.events.event_id[row]: names[row] for row in rows},
        renames=(Renamed("decision", ("crack",), "rift"),),
        simulated=True,
    )
    return ReviewedModel(CandidateName("spectra", REVIEWED), (spectra, wider), fitted, classes)


def test_a_class_model_answers_the_same_after_it_was_kept(tmp_path: Path, model: ReviewedModel) -> None:
    model.save(tmp_path, {"k": 2})
    found, said = open_model(tmp_path)
    assert found.version == model.version == f"spectra-reviewed-k2-{said.digest}"
    assert found.classes == model.classes and found.needs == model.needs and found.dimensions == 8
    mine, theirs = (one.describer(CPU, True)(EVENTS.events) for one in (model, found))
    for name in ("memberships", "features", "sets", "novelty", "novel"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    assert theirs.reconstruction_error is None
    first = (tmp_path / WEIGHTS_FILE).read_bytes()
    found.save(tmp_path, {"k": 2})
    assert (tmp_path / WEIGHTS_FILE).read_bytes() == first


def test_answers_do_not_depend_on_the_block_that_an_event_is_in(model: ReviewedModel) -> None:
    describe = model.describer(CPU, False)
    whole, alone = describe(EVENTS.events), describe(EVENTS.events.take(slice(7, 8)))
    np.testing.assert_array_equal(whole.memberships[7:8], alone.memberships)
    np.testing.assert_array_equal(whole.sets[7:8], alone.sets)
    np.testing.assert_allclose(whole.novelty[7:8], alone.novelty, rtol=1e-6)


def test_another_snapshot_of_the_reviews_is_another_version(model: ReviewedModel) -> None:
    more = ReviewedClasses(model.classes.names, {**model.classes.reviewed, "X": "rift"}, model.classes.renames, True)
    assert ReviewedModel(model.name, model.representations, model.fitted, more).version != model.version


def test_renames_of_models_of_earlier_versions_are_read() -> None:
    assert renames_of({"crack": "rift"}) == (Renamed("", ("crack",), "rift"),)
    with pytest.raises(TypeError, match="renames"):
        renames_of("rift")


def test_a_damaged_file_is_named(tmp_path: Path, model: ReviewedModel) -> None:
    model.save(tmp_path, {})
    content = bytearray((tmp_path / WEIGHTS_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(DamagedFileError, match=WEIGHTS_FILE):
        open_model(tmp_path)


def test_parts_that_do_not_belong_together_are_refused(model: ReviewedModel) -> None:
    with pytest.raises(ValueError, match="features"):
        ReviewedModel(model.name, model.representations[:1], model.fitted, model.classes)
    others = ReviewedClasses(("noise", "tide"), model.classes.reviewed)
    with pytest.raises(ValueError, match="tide"):
        ReviewedModel(model.name, model.representations, model.fitted, others)

"""Settings: candidates, representations and clusterers by name."""

from pathlib import Path

import pytest
from waveform_builders import make_settings, settings_values

from ris_core.config import Settings, SettingsError, load_settings
from ris_core.config.methods import GmmSettings, KMeansSettings, SpectraSettings
from ris_core.contracts.candidate_name import AEC_DEC, CandidateName

NAMED = {
    "candidates": ["aec/dec", "wide/gmm", "spectra/quick", "aec/quick"],
    "representations": {"wide": {"kind": "spectra", "dimensions": 30}, "spectra": {"dimensions": 3}},
    "clusterers": {"quick": {"kind": "kmeans", "n_init": 2}},
}


def test_the_only_candidate_is_the_published_one() -> None:
    settings = make_settings()
    assert settings.candidate_names == (AEC_DEC,)
    assert settings.fitted_representations == ()
    assert settings.champion_candidate == AEC_DEC
    assert settings.criteria_representation == "aec"
    assert settings.criteria_digest() == "3d037d94da76"  # that of the version before


def test_digests_of_networks_with_the_published_candidate_stay() -> None:
    # Those of the version before there were candidates.
    assert make_settings().champion_digest() == "d8a4228ab5e0"
    assert (
        make_settings().candidate_digest(AEC_DEC, make_settings().dec) == make_settings().dec_digest() == "02dd5909b633"
    )


def test_criteria_are_computed_from_the_features_of_one_representation() -> None:
    spectra = {"candidates": ["spectra/gmm"], "champion": {"candidate": "spectra/gmm"}}
    assert make_settings(**spectra, novelty={"score": "distance"}).criteria_representation == "spectra"
    wide = make_settings(**NAMED, cluster_count={"representation": "wide"})
    assert wide.criteria_representation == "wide"
    assert wide.criteria_digest() != make_settings(**NAMED).criteria_digest() == make_settings().criteria_digest()
    with pytest.raises(ValueError, match=r"cluster_count.representation \(x\) is not among .*\(aec, wide, spectra\)"):
        make_settings(**NAMED, cluster_count={"representation": "x"})


def test_names_have_their_own_settings_and_kinds_their_defaults() -> None:
    settings = make_settings(**NAMED)
    assert settings.representation_of("wide") == SpectraSettings(dimensions=30)
    assert settings.representation_of("spectra") == SpectraSettings(dimensions=3)
    assert settings.clusterer_of("quick") == KMeansSettings(n_init=2)
    assert settings.clusterer_of("gmm") == GmmSettings()
    assert settings.fitted_representations == ("wide", "spectra")
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_a_digest_follows_the_settings_of_its_own_part_alone() -> None:
    settings = make_settings(**NAMED)
    other = make_settings(**NAMED | {"clusterers": {"quick": {"kind": "kmeans", "n_init": 3}}})
    seeded = make_settings(**NAMED, dec={"seed": 7})
    name = CandidateName.of("spectra/quick")
    assert settings.representation_digest("spectra") != settings.representation_digest("wide")
    assert settings.representation_digest("spectra") == other.representation_digest("spectra")
    assert len({found.candidate_digest(name, found.dec) for found in (settings, other, seeded)}) == 3
    assert settings.candidate_digest(CandidateName.of("wide/gmm"), settings.dec) == other.candidate_digest(
        CandidateName.of("wide/gmm"), other.dec
    )


def test_the_only_candidate_labels_and_of_several_the_best_ranked() -> None:
    alone = Settings.model_validate(settings_values(candidates=["spectra/gmm"], champion={"k": 6}))
    assert str(alone.champion_candidate) == "spectra/gmm"
    # That of the version before, which named the first candidate where aec/dec is none.
    assert alone.champion_digest() == "92a59df5f365"
    both = Settings.model_validate(settings_values(candidates=["spectra/gmm", "aec/dec"]))
    assert both.champion_candidate is None
    assert both.champion_digest() == make_settings().champion_digest()
    named = Settings.model_validate(
        settings_values(candidates=["spectra/gmm", "aec/dec"], champion={"candidate": "aec/dec"})
    )
    assert named.champion_candidate == AEC_DEC


def test_clusters_that_are_too_many_do_not_label() -> None:
    made = Settings.model_validate(settings_values(candidates=["spectra/micro", "spectra/gmm"]))
    assert list(map(str, made.labelling_candidates)) == ["spectra/gmm"]
    assert str(made.champion_candidate) == "spectra/gmm"
    with pytest.raises(ValueError, match="spectra/micro: their clusters are too many to label; add another candidate"):
        Settings.model_validate(settings_values(candidates=["spectra/micro"]))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"candidates": ["x/gmm"]}, "there is no representation 'x'; known are aec, spectra"),
        ({"candidates": ["spectra/x"]}, r"there is no clusterer 'x'; known are kmeans, gmm\b.*, dec;"),
        ({"candidates": ["spectra"]}, "'spectra' is no candidate: write REPRESENTATION/CLUSTERER"),
        ({"candidates": ["aec/dec", "spectra/dec"]}, "dec trains the autoencoder .* give spectra another clusterer"),
        ({"candidates": ["aec/dec", "aec/dec"]}, "aec/dec is given more than once"),
        ({"candidates": []}, r"name a candidate or more, for example \[aec/dec\]"),
        (
            {"candidates": ["spectra/gmm"], "champion": {"candidate": "aec/dec"}},
            r"champion.candidate \(aec/dec\) is not among candidates \(spectra/gmm\); choose",
        ),
        ({"representations": {"wide": {"kind": "nope"}}}, "line .*representations.wide.* there are aec, spectra"),
        ({"representations": {"wide": {"dimensions": 3}}}, "a representation needs its `kind`"),
        ({"representations": {"wide": {"kind": "spectra", "dimensions": 0}}}, "line .*wide.dimensions = 0: .* 1"),
        ({"representations": {"wide": {"kind": "spectra", "dimension": 3}}}, "did you mean 'dimensions'"),
        ({"representations": {"spectra": {"kind": "aec"}}}, "spectra: this is the name of another representation"),
        ({"representations": {"champions": {"kind": "spectra"}}}, "'champions' is reserved"),
        ({"representations": {"../x": {"kind": "spectra"}}}, "'../x' is no name of a representation"),
        ({"representations": {"mine": {"kind": "aec"}}}, "one chosen autoencoder, which is named aec"),
        ({"clusterers": {"dec": {"kind": "gmm"}}}, "its settings are the section dec"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_what_is_known(tmp_path: Path, values: dict, said: str) -> None:
    import yaml

    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(settings_values(**values)))
    with pytest.raises(SettingsError, match=said):
        load_settings(path)


def test_a_name_that_no_candidate_has_is_said() -> None:
    named = {"representations": {"wide": {"kind": "spectra"}}, "clusterers": {"quick": {"kind": "gmm"}}}
    assert not make_settings(candidates=["aec/dec", "wide/quick"], **named).doubts()
    said = make_settings(candidates=["aec/dec", "spectra/quick"], **named).doubts()
    assert said == (
        "representations.wide is in no candidate, so it has no effect; name it in candidates, or remove it",
    )


def test_reconstruction_needs_a_representation_with_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    spectra = {"candidates": ["aec/dec", "spectra/gmm"], "champion": {"candidate": "spectra/gmm"}}
    make_settings(**spectra)
    monkeypatch.setattr(SpectraSettings, "reconstructs", False, raising=False)
    with pytest.raises(ValueError, match=r"no decoder; set novelty.score to distance or probability"):
        make_settings(**spectra)
    make_settings(**spectra, novelty={"score": "distance"})
    make_settings(**spectra | {"champion": {"candidate": "aec/dec"}})

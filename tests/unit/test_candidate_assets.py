"""Which assets there are for which candidates."""

from pathlib import Path

import dagster as dg
import pytest
from builders import sds_values

from ris_core.config import Settings
from ris_core.storage.layout import Layout
from ris_dagster.definitions import build_definitions

AEC = {"aec_trials", "aec_weights", "latent_features"}
DEC = {"gmm_clusters", "dec_models"}
ALWAYS = {"training_set", "cluster_count", "champion_model", "stability", "label_tables"}


def build(folder: Path, *candidates: str) -> dg.Definitions:
    values = sds_values(folder) | {"candidates": candidates, "champion": {"candidate": candidates[0]}}
    return build_definitions(Settings.model_validate(values))


@pytest.mark.parametrize(
    ("candidates", "there", "absent"),
    [
        (["aec/dec"], AEC | DEC, set()),
        (["aec/kmeans"], AEC | {"candidates/aec/kmeans"}, DEC),
        (["spectra/gmm"], {"representations/spectra", "candidates/spectra/gmm"}, AEC | DEC),
        (
            ["spectra/gmm", "spectra/kmeans", "aec/dec"],
            AEC | DEC | {"representations/spectra", "candidates/spectra/gmm", "candidates/spectra/kmeans"},
            set(),
        ),
    ],
)
def test_there_is_what_the_candidates_need_and_nothing_else(
    data_root: Path, tmp_path: Path, candidates: list[str], there: set[str], absent: set[str]
) -> None:
    definitions = build(tmp_path, *candidates)
    dg.Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert keys >= there | ALWAYS
    assert not keys & absent
    assert {key for key in keys if "/" in key} == {key for key in there if "/" in key}


def test_candidates_depend_on_what_they_are_made_from(data_root: Path, tmp_path: Path) -> None:
    graph = build(tmp_path, "aec/dec", "aec/kmeans", "spectra/gmm").resolve_asset_graph()

    def parents(*key: str) -> set[str]:
        return {parent.to_user_string() for parent in graph.get(dg.AssetKey(key)).parent_keys}

    assert parents("representations", "spectra") == {"training_set"}
    assert parents("candidates", "spectra", "gmm") == {"representations/spectra", "training_set"}
    assert parents("candidates", "aec", "kmeans") == {"aec_weights", "latent_features", "training_set"}
    models = {"dec_models", "candidates/aec/kmeans", "candidates/spectra/gmm"}
    assert parents("candidates") == {*models, "training_set"}
    # The champion of these settings is named, so it does not wait for the ranking.
    assert parents("champion_model") == models


def test_the_champion_depends_on_the_class_model_once_there_is_one(data_root: Path, tmp_path: Path) -> None:
    settings = Settings.model_validate(sds_values(tmp_path))
    champion = dg.AssetKey("champion_model")

    def parents() -> set[str]:
        graph = build_definitions(settings).resolve_asset_graph()
        return {parent.to_user_string() for parent in graph.get(champion).parent_keys}

    assert "class_model" not in parents()
    Layout.of(settings).candidate(settings.class_model_name, 3).mkdir(parents=True)
    assert "class_model" in parents()


def test_a_candidate_has_a_partition_and_checks_for_each_k(data_root: Path, tmp_path: Path) -> None:
    graph = build(tmp_path, "spectra/gmm").resolve_asset_graph()
    key = dg.AssetKey(["candidates", "spectra", "gmm"])
    partitions = graph.get(key).partitions_def
    assert partitions is not None and list(partitions.get_partition_keys()) == ["2", "3"]
    assert {check.name for check in graph.asset_check_keys if check.asset_key == key} == {
        "no_empty_clusters",
        "separated",
    }

"""Without a named candidate the best ranked one labels; a damaged one is said and left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import DAYS, Opened, failure_of, opened, own_environment, ris, sds_values, write_archive, write_yaml
from mlflow import MlflowClient

from ris_core.clustering.champion import read_champion
from ris_core.clustering.ranking_file import SCHEMA, TABLE
from ris_core.storage import tables
from ris_core.storage.json_records import read_json
from ris_dagster import jobs
from ris_dagster.method_runs import run_jobs, training_runs

CANDIDATES = ["spectra/gmm", "spectra/kmeans"]

pytestmark = pytest.mark.usefixtures("blank_pictures")


def values(archive: Path) -> dict[str, Any]:
    return sds_values(archive, days=DAYS[:2]) | {
        "candidates": CANDIDATES,
        "representations": {"spectra": {"dimensions": 3}},
        "ranking": {"halves": 5, "permutations": 30},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network with two candidates that went from the archive to a champion."""
    root = tmp_path_factory.mktemp("ranked")
    archive = write_archive(root / "archive", days=DAYS[:2])
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(write_yaml(root / "small.yaml", values(archive))) as network:
            failed = run_jobs(
                network.definitions,
                network.instance,
                network.days,
                ["acquire", "process", *jobs.training_jobs(network.settings)],
            )
            assert not failed, failed
            yield network


def rank(network: Opened) -> dict[str, Any]:
    result = network.run(jobs.RANK)
    assert result.success, failure_of(result)
    found: dict[str, Any] = read_json(network.store.analysis("candidates.json"))
    return found


def test_the_best_ranked_is_champion_and_says_why(trained: Opened) -> None:
    record = read_json(trained.store.analysis("candidates.json"))
    champion = read_champion(trained.store)
    assert (champion.candidate, champion.k) == (record["best"]["candidate"], record["best"]["k"])
    assert record["why"] in champion.origin
    assert f"best ranked {champion.candidate}/k={champion.k}" in " ".join(
        ris("status", "-c", trained.config).output.replace("│", " ").split()
    )


def test_the_table_has_every_accepted_model_and_the_criteria(trained: Opened) -> None:
    table = tables.read_table(trained.store.analysis(TABLE))
    assert list(table.columns) == SCHEMA.names
    assert sorted(zip(table["candidate"], table["k"], strict=True)) == [(c, k) for c in CANDIDATES for k in (2, 3)]
    assert table["stability"].between(-1, 1).all()
    assert table["agreement"].notna().all()
    shown = trained.latest("candidates").metadata
    assert {"candidates", "ranking", "why", "support", "absent", "left_out", "mlflow"} <= shown.keys()


def test_each_model_has_the_criteria_in_mlflow_under_the_same_names(trained: Opened) -> None:
    client = MlflowClient(trained.tracking.uri)
    runs = client.search_runs([trained.tracking.prepare()], "tags.`ris.candidate` LIKE 'spectra/%'")
    names = [{name for name in run.data.metrics if name.startswith("ranking_")} for run in runs]
    assert len(names) == 4
    assert all(
        {"ranking_rank", "ranking_mean_rank", "ranking_agreement", "ranking_stability"} <= each for each in names
    )


def test_a_ranking_that_is_current_is_not_made_again_and_the_same_bytes_come_again(trained: Opened) -> None:
    assert training_runs(jobs.RANK, trained.days, again=False) == []
    paths = [trained.store.analysis(name) for name in (TABLE, "candidates.json")]
    before = [path.read_bytes() for path in paths]
    rank(trained)
    assert [path.read_bytes() for path in paths] == before


def test_a_named_candidate_stands_above_the_ranking(trained: Opened) -> None:
    best = read_json(trained.store.analysis("candidates.json"))["best"]["candidate"]
    other = next(name for name in CANDIDATES if name != best)
    config = {"ops": {"champion_model": {"config": {"candidate": other, "k": 3}}}}
    result = trained.run(jobs.CHAMPION, config=config)
    assert result.success, failure_of(result)
    assert (read_champion(trained.store).candidate, read_champion(trained.store).k) == (other, 3)
    only_k = trained.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"k": 3}}}})
    assert only_k.success, failure_of(only_k)
    assert read_champion(trained.store).k == 3
    assert "the best ranked of K = 3" in read_champion(trained.store).origin


def test_a_damaged_model_is_said_and_left_out(trained: Opened) -> None:
    record = read_json(trained.store.analysis("candidates.json"))
    best = record["best"]
    file = trained.store.root / "models" / best["candidate"] / f"k={best['k']}" / "model.safetensors"
    sound = file.read_bytes()
    file.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    try:
        stale = trained.run(jobs.CHAMPION)
        assert not stale.success
        assert "ranks other models than those that there are now" in failure_of(stale)
        found = rank(trained)
        name = f"{best['candidate']}/k={best['k']}"
        assert str(file) in found["left_out"][name]
        assert found["best"] != best
        assert trained.run(jobs.CHAMPION).success
        champion = read_champion(trained.store)
        assert (champion.candidate, champion.k) == (found["best"]["candidate"], found["best"]["k"])
    finally:
        file.write_bytes(sound)


def test_a_damaged_ranking_is_refused_by_name_and_made_again(trained: Opened) -> None:
    rank(trained)
    path = trained.store.analysis("candidates.json")
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b'"rule"', b'"ruin"'))
    result = trained.run(jobs.CHAMPION)
    assert not result.success
    assert str(path) in failure_of(result)
    assert len(training_runs(jobs.RANK, trained.days, again=False)) == 1
    rank(trained)
    assert path.read_bytes() == sound

import shutil
from pathlib import Path

from builders import Opened, failure_of, opened, sds_values, synthetic_values, write_yaml

from ris_core.storage.atomic import read_json
from ris_dagster import jobs


def test_models_with_a_cluster_too_small_are_refused_with_the_reasons(
    network: Opened, data_root: Path, tmp_path: Path
) -> None:
    shutil.copytree(network.store.root, data_root / "tiny", ignore=shutil.ignore_patterns("waveforms", "dagster"))
    values = synthetic_values()
    # Three clusters cannot each hold 49 %.
    values["dec"] |= {"k": [3], "smallest_cluster": 0.49, "max_epochs": 1}
    with opened(write_yaml(tmp_path / "strict.yaml", values)) as strict:
        before = read_json(strict.store.champion)
        result = strict.run(jobs.DEC, "3")
        assert result.success  # a model that is not accepted is a result
        (check,) = result.get_asset_check_evaluations()
        assert not check.passed
        assert "dec.smallest_cluster" in (check.description or "")
        refused = strict.run(jobs.CHAMPION)
        assert not refused.success
        assert "none of 1 DEC models may label" in failure_of(refused)
        assert "K = 3: cluster(s)" in failure_of(refused)
        assert "below the least share of 49.00%" in failure_of(refused)
        wanted = strict.run(jobs.CHAMPION, config={"ops": {"champion_model": {"config": {"k": 3}}}})
        assert "K = 3: cluster(s)" in failure_of(wanted)
        assert read_json(strict.store.champion) == before  # the old champion stays


def test_a_champion_that_was_never_trained_is_refused(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with opened(write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive"))) as network:
        config = {"ops": {"champion_model": {"config": {"k": 3}}}}
        assert "no DEC model of K = 3 was trained" in failure_of(network.run(jobs.CHAMPION, config=config))
        assert "no DEC model was trained" in failure_of(network.run(jobs.CHAMPION))
        assert not network.store.champion.exists()

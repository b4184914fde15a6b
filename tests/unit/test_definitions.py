import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from builders import QUIET, failure_of, sds_values
from pydantic import ValidationError
from syrupy.assertion import SnapshotAssertion

import ris_core
from ris_core.config import DEFAULT_CONFIG, PROJECT_ROOT, Settings, load_settings
from ris_dagster import hyperparameters
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.definitions import build_definitions
from ris_dagster.jobs import build_jobs
from ris_dagster.partitions import build_partitions

HEAVY = ("torch", "mlflow", "obspy", "sklearn", "matplotlib")
CONFIGS = sorted((PROJECT_ROOT / "config").glob("*.yaml"))


def loaded_by(imports: list[str], watched: tuple[str, ...]) -> str:
    code = f"import sys, importlib\nfor n in {imports!r}: importlib.import_module(n)\n"
    code += f"print(*sorted(n for n in {watched!r} if n in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_definitions_are_imported_without_the_heavy_libraries() -> None:
    assert (
        loaded_by(
            ["ris_dagster.definitions", "ris_dagster.cli", "ris_dagster.method_runs", "ris_dagster.summary"], HEAVY
        )
        == ""
    )


def test_definitions_are_built_without_the_heavy_libraries(data_root: Path) -> None:
    code = "import sys\nfrom ris_dagster.definitions import defs\n"
    code += "from dagster import Definitions\nDefinitions.validate_loadable(defs())\n"
    code += f"print(*sorted(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_module_of_ris_core_imports_dagster() -> None:
    modules = [m.name for m in pkgutil.walk_packages(ris_core.__path__, "ris_core.")]
    assert len(modules) > 30
    assert loaded_by(modules, ("dagster", "ris_dagster")) == ""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_shipped_configuration_has_loadable_definitions(
    path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_ARCHIVE", str(data_root))
    dg.Definitions.validate_loadable(build_definitions(load_settings(path)))
    assert not data_root.exists()  # looking at definitions leaves no trace


def test_graph_of_the_demo(data_root: Path, snapshot: SnapshotAssertion) -> None:
    settings = load_settings(DEFAULT_CONFIG)
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()
    assets = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "partitions": partitions_of(node.partitions_def),
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "checks": sorted(check.name for check in graph.asset_check_keys if check.asset_key == key),
            "pools": sorted(node.pools),
            "owners": sorted(node.owners),
            "backfill": node.backfill_policy.max_partitions_per_run if node.backfill_policy else None,
            "has_code_version": bool(node.code_version),
            "has_description": bool(node.description),
        }
    jobs = {
        job.name: {
            "assets": sorted(key.to_user_string() for key in job.selection.resolve(graph)),
            "partitions": partitions_of(job.partitions_def),
        }
        for job in build_jobs(settings, build_partitions(settings), BINDINGS.wanted_by(settings))
    }
    assert {job.name for job in definitions.resolve_all_job_defs()} >= jobs.keys()
    resources = {name: type(resource).__name__ for name, resource in (definitions.resources or {}).items()}
    assert {"assets": assets, "jobs": jobs, "resources": resources} == snapshot


def partitions_of(defined: dg.PartitionsDefinition[Any] | None) -> Any:
    if defined is None:
        return None
    if isinstance(defined, dg.MultiPartitionsDefinition):
        return {d.name: partitions_of(d.partitions_def) for d in defined.partitions_defs}
    keys = defined.get_partition_keys()
    return f"{keys[0]} ... {keys[-1]}" if isinstance(defined, dg.DailyPartitionsDefinition) else list(keys)


def settings_with(**sections: Any) -> Settings:
    return Settings.model_validate(sds_values(Path("archive")) | sections)


CONFIGURATIONS = {
    "aec_trials": (hyperparameters.aec_config, "aec"),
    "gmm_clusters": (hyperparameters.gmm_config, "dec"),
    "dec_models": (hyperparameters.dec_config, "dec"),
}


@pytest.mark.parametrize("asset", CONFIGURATIONS)
def test_the_launchpad_shows_the_values_and_descriptions_of_the_settings(asset: str) -> None:
    settings = settings_with(
        aec={"max_epochs": 7, "patience": 3, "seed": 11}, dec={"k": [4], "n_init": 5, "gamma": 0.02, "seed": 12}
    )
    build, name = CONFIGURATIONS[asset]
    config, section = build(settings), getattr(settings, name)
    values = config().model_dump()
    assert values == {field: getattr(section, field) for field in values}
    shown = config.to_fields_dict()
    for field in values:
        # Bounds follow in words.
        assert (shown[field].description or "").startswith(type(section).model_fields[field].description or "")
        assert shown[field].default_value == values[field]


@pytest.mark.parametrize("asset", CONFIGURATIONS)
def test_the_launchpad_cannot_change_what_the_partition_fixes(asset: str) -> None:
    build, _ = CONFIGURATIONS[asset]
    fields = set(build(settings_with()).model_fields)
    assert not fields & {"k", "grid", "trial"}
    if asset == "aec_trials":
        assert not fields & {"batch_size", "learning_rate"}
    if asset == "dec_models":  # made by gmm_clusters
        assert not fields & {"initialisation", "n_init"}


@pytest.mark.parametrize(
    ("asset", "field", "value"),
    [
        ("aec_trials", "max_epochs", 0),
        ("aec_trials", "restarts", 21),
        ("aec_trials", "seed", -1),
        ("aec_trials", "device", "abacus"),
        ("gmm_clusters", "n_init", 0),
        ("gmm_clusters", "initialisation", "guess"),
        ("dec_models", "gamma", 0.0),
        ("dec_models", "tolerance", 1.0),
        ("dec_models", "batch_size", 0),
    ],
)
def test_the_launchpad_refuses_what_the_settings_would_refuse(asset: str, field: str, value: Any) -> None:
    build, name = CONFIGURATIONS[asset]
    settings = settings_with()
    # A word that is no choice by Dagster's schema, a number out of bounds by the run itself.
    with pytest.raises((ValidationError, dg.Failure), match=field):
        hyperparameters.override(getattr(settings, name), build(settings)(**{field: value}))


@pytest.mark.parametrize(
    ("job", "partition", "asset"),
    [("train_autoencoders", "bs8_lr2e-3", "aec_trials"), ("train_dec", "3", "dec_models")],
)
def test_a_run_with_a_refused_value_fails_and_says_which(job: str, partition: str, asset: str, data_root: Path) -> None:
    result = (
        build_definitions(settings_with())
        .resolve_job_def(job)
        .execute_in_process(
            run_config=QUIET | {"ops": {asset: {"config": {"max_epochs": 0}}}},
            partition_key=partition,
            raise_on_error=False,
        )
    )
    assert not result.success
    assert "max_epochs" in failure_of(result)
    assert "greater than or equal to 1" in failure_of(result)


def test_a_run_cannot_give_what_the_partition_fixes(data_root: Path) -> None:
    job = build_definitions(settings_with()).resolve_job_def("train_dec")
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "k"'):
        job.execute_in_process(run_config={"ops": {"dec_models": {"config": {"k": 8}}}}, partition_key="3")


def test_an_override_is_validated_again_and_keeps_the_rest() -> None:
    settings = settings_with(dec={"k": [4], "smallest_cluster": 0.01})
    config = hyperparameters.dec_config(settings)(max_epochs=2, gamma=0.5)
    section = hyperparameters.override(settings.dec, config)
    assert (section.max_epochs, section.gamma) == (2, 0.5)
    assert (section.k, section.smallest_cluster) == ((4,), 0.01)


def test_resources_can_be_replaced(data_root: Path) -> None:
    from ris_dagster.resources.compute import Compute

    other = Compute(kind="dask", workers=3)
    assert (build_definitions(settings_with(), {"compute": other}).resources or {})["compute"] is other


@pytest.mark.parametrize(
    ("kind", "raw", "pools"),
    [
        ("fdsn", "drop_after_processing", {"fdsn_geofon"}),
        ("fdsn", "keep", set()),
        ("synthetic", "drop_after_processing", set()),
    ],
)
def test_processing_waits_for_the_data_centre_where_it_may_fetch_again(
    kind: str, raw: str, pools: set[str], data_root: Path
) -> None:
    values = load_settings(DEFAULT_CONFIG).model_dump() | {"environment": (), "environment_figures": ()}
    source = {"kind": "fdsn", "provider": "GEOFON"} if kind == "fdsn" else values["source"]
    settings = Settings.model_validate(values | {"source": source, "retention": {"raw": raw}})
    graph = build_definitions(settings).resolve_asset_graph()
    for asset in ("detections", "spectrograms"):
        assert graph.get(dg.AssetKey(asset)).pools == pools
    assert graph.get(dg.AssetKey("raw_waveforms")).pools >= pools


def test_only_a_synthetic_network_is_scored_against_truth(data_root: Path) -> None:
    graph = build_definitions(settings_with()).resolve_asset_graph()
    assert dg.AssetKey("truth_scores") not in graph.get_all_asset_keys()


@pytest.mark.parametrize(("name", "value"), [("RIS_COMPUTE", "cloud"), ("RIS_WORKERS", "0"), ("RIS_WORKERS", "many")])
def test_a_wrong_compute_setting_of_the_environment_is_named(
    name: str, value: str, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} = '{value}'"):
        build_definitions(settings_with())

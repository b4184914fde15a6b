"""What a user sees of the session's network in both UIs, in a real browser; screenshots are kept beside this file."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from browsing import ABSENT, CHROMIUM
from builders import Opened
from dagster_internals import check_evaluations
from mlflow import MlflowClient
from playwright.sync_api import Page, expect
from servers import Ui, served

from ris_core.contracts.station_day import StationDay
from ris_core.storage import spectrogram_file
from ris_core.storage.json_records import read_json
from ris_dagster.partitions import partition_key

GROUPS = {
    "acquire": ["raw_waveforms"],
    "process": ["detections", "spectrograms"],
    "train": ["training_set", "aec_trials", "aec_weights"],
    "cluster": ["latent_features", "cluster_count", "gmm_clusters", "dec_models", "champion_model", "stability"],
    "label": ["label_tables"],
    "analysis": [
        "availability",
        "class_rates",
        "class_statistics",
        "completeness",
        "environment_links",
        "environment_panels",
        "environment_series",
        "event_catalogue",
        "event_map",
        "report",
        "truth_scores",
    ],
}

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


@pytest.fixture(scope="module")
def ui(network: Opened) -> Iterator[Ui]:
    with served(network.config, RIS_DATA=str(network.store.root.parent)) as found:
        yield found


@pytest.mark.parametrize("group", GROUPS)
def test_the_graph_shows_every_asset_as_filled(group: str, page: Page, ui: Ui, network: Opened) -> None:
    graph = network.definitions.resolve_asset_graph()
    nodes = [node for node in graph.asset_nodes if node.group_name == group]
    assert {node.key.to_user_string() for node in nodes} == set(GROUPS[group])
    partitioned = [node for node in nodes if node.partitions_def is not None]
    # Assets outside of the window are not on the page.
    page.set_viewport_size({"width": 2000, "height": 2200})
    page.goto(f"{ui.dagster}/locations/ris/asset-groups/{group}/lineage")
    expect(page.get_by_text("100% filled")).to_have_count(len(partitioned))
    expect(page.get_by_text("Materialized", exact=True)).to_have_count(len(nodes) - len(partitioned))
    for said, assets in Counter(passed(node, network) for node in nodes if node.check_keys).items():
        expect(page.get_by_text(said)).to_have_count(assets)
    for name in GROUPS[group]:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()


def passed(node: Any, network: Opened) -> str:
    """Return what the graph says of an asset's checks; those that only warn may not have passed."""
    asset = node.key.to_user_string()
    latest = [check_evaluations(network.instance, asset, key.name, limit=1) for key in node.check_keys]
    good = [evaluation.passed for evaluations in latest for evaluation in evaluations]
    return f"{sum(good)} / {len(node.check_keys)} Passed"


def test_a_station_day_shows_its_rows_and_its_picture(page: Page, ui: Ui, network: Opened) -> None:
    key = StationDay("S01", network.settings.first_day)
    events = spectrogram_file.read_info(network.store.spectrograms(key)).events
    partition = str(partition_key(key)).replace("|", "%7C")
    page.goto(f"{ui.dagster}/assets/spectrograms?view=partitions&partition={partition}")
    row = page.get_by_role("row").filter(has_text="dagster/row_count")
    expect(row).to_contain_text(str(events))
    expect(page.get_by_text("Materialized (4)")).to_be_visible()
    # Seen without a click: the whole picture is behind "[Show Markdown]".
    picture = page.locator('img[alt="Sample spectrograms"]')
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 300


def test_a_check_shows_that_it_passed(page: Page, ui: Ui) -> None:
    page.goto(f"{ui.dagster}/assets/spectrograms?view=checks")
    expect(page.get_by_text("Evaluation result")).to_be_visible()
    expect(page.get_by_text("Passed", exact=True)).to_be_visible()
    expect(page.get_by_text("no station-day failed")).to_be_visible()


def test_no_dialog_covers_the_page_and_nothing_outside_is_asked_for(page: Page, ui: Ui) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{ui.dagster}/assets")
    expect(page.get_by_text("champion_model").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    outside = [url for url in asked if not url.startswith((ui.dagster, "data:", "blob:"))]
    assert outside == []


def test_runs_of_the_command_are_listed_under_their_job(page: Page, ui: Ui, network: Opened) -> None:
    page.goto(f"{ui.dagster}/locations/__repository__@ris/jobs/initialise_clusters/runs")
    expect(page.get_by_text("user: ris run", exact=True)).to_have_count(len(network.settings.dec.k))
    for k in network.settings.dec.k:
        expect(page.get_by_text(f"partition: {k}", exact=True)).to_be_visible()


def test_mlflow_opens_with_the_models_and_their_scores(page: Page, ui: Ui) -> None:
    (address,) = re.findall(r"MLflow: (\S+)", ui.output())
    page.goto(address)
    expect(page.get_by_role("button", name="Clusters of every model")).to_be_visible()
    expect(page.get_by_text("ris.candidate", exact=True)).to_be_visible()
    expect(page.get_by_text("Trainings of the network tiny")).to_be_visible()


def test_mlflow_lists_the_trials_under_their_grid(page: Page, ui: Ui, network: Opened) -> None:
    page.goto(f"{ui.mlflow}/#/experiments/{network.tracking.prepare()}/runs")
    grid = page.get_by_role("row").filter(has_text="aec_trials")
    expect(grid).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="dec_models")).to_be_visible()
    grid.get_by_role("button").first.click()
    for trial in network.settings.aec.grid.trials():
        expect(page.get_by_text(f"aec {trial}", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("asset", "parameters", "metrics"),
    [
        ("aec_trials", ("batch_size", "learning_rate", "seed"), ("best_epoch", "best_val_mse", "pca9_mse")),
        ("dec_models", ("k", "gamma", "initialisation"), ("davies_bouldin", "entropy", "kl", "silhouette")),
    ],
)
def test_mlflow_compares_two_runs(
    page: Page, ui: Ui, network: Opened, asset: str, parameters: tuple[str, ...], metrics: tuple[str, ...]
) -> None:
    client, experiment = MlflowClient(network.tracking.uri), network.tracking.prepare()
    runs = client.search_runs([experiment], f"tags.`ris.asset` = '{asset}'")[:2]
    compared = quote(json.dumps([run.info.run_id for run in runs]))
    page.goto(f"{ui.mlflow}/#/compare-runs?runs={compared}&experiments={quote(json.dumps([experiment]))}")
    expect(page.get_by_text("Comparing 2 Runs from 1 Experiment")).to_be_visible()
    for run in runs:
        expect(page.get_by_role("link", name=run.info.run_id)).to_be_visible()
    for name in parameters:
        values = [run.data.params[name] for run in runs]
        expect(page.get_by_role("row", name=" ".join([name, *values]), exact=True)).to_be_visible()
    page.get_by_role("button", name="Visualizations").click()
    page.get_by_role("switch", name="Parameters - Show diff only").click()
    expect(page.get_by_role("row", name=re.compile("^seed "))).to_have_count(0)
    for name in metrics:  # the first of the alphabet: MLflow draws the rows that are in sight
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_mlflow_shows_the_champion(page: Page, ui: Ui, network: Opened) -> None:
    version = read_json(network.store.champion)["mlflow_model_version"]
    page.goto(f"{ui.mlflow}/#/models/tiny-dec")
    row = page.get_by_role("row").filter(has_text=re.compile("(?<!former_)champion"))
    expect(row).to_contain_text(f"Version {version}")


def test_links_lead_from_a_materialization_to_its_run_in_mlflow_and_back(page: Page, ui: Ui, network: Opened) -> None:
    found = network.latest("dec_models")
    page.goto(ui.dagster + str(found.metadata["mlflow"].value))
    assert page.url.startswith(f"{ui.mlflow}/#/experiments/")
    expect(page.get_by_text(f"aec/dec/k={found.partition}").first).to_be_visible()
    expect(page.get_by_text("silhouette", exact=True).first).to_be_visible()
    back = page.get_by_role("link", name=re.compile("^Dagster run "))
    expect(back).to_have_attribute("href", re.compile("^/dagster/runs/"))
    page.goto(ui.mlflow + str(back.get_attribute("href")))
    assert page.url.startswith(f"{ui.dagster}/runs/")

"""The platform operated from the Dagster UI, in a real browser: launching, watching, reading, choosing."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest
from browsing import (
    ABSENT,
    CHROMIUM,
    choose,
    configure,
    launch,
    leave_until,
    materialize,
    see_materialized,
    type_config,
)
from builders import Opened, opened, own_environment, sds_values, write_archive, write_yaml
from mlflow import MlflowClient
from playwright.sync_api import Page, expect
from servers import Ui, served

from ris_core.storage.json_records import read_json
from ris_dagster import jobs

TRIAL = "bs8_lr2e-3"
KS = ["2", "3"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=ABSENT)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A network of which nothing is made yet."""
    root = tmp_path_factory.mktemp("operated")
    values = sds_values(write_archive(root / "archive"))
    # Enough for models that their checks accept.
    values["aec"] |= {"max_epochs": 8, "latent": "linear", "input_scale": "unit_rms"}
    values["dec"]["max_epochs"] = 2
    config = write_yaml(root / "small.yaml", values)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(config) as found:
            environment.undo()
            yield found


@pytest.fixture(scope="module")
def ui(operated: Opened) -> Iterator[Ui]:
    with served(operated.config, RIS_DATA=str(operated.store.root.parent)) as found:
        yield found


@pytest.fixture(scope="module")
def drawn(operated: Opened) -> Opened:
    """The network with its training set."""
    for job in ("acquire", "process"):
        assert operated.run_block(job).success
    assert operated.run(jobs.DRAW).success
    return operated


@pytest.fixture(scope="module")
def trained(drawn: Opened) -> Opened:
    """The network with its DEC models."""
    for job, keys in ((jobs.TRIALS, [TRIAL]), (jobs.ENCODE, [None]), (jobs.CLUSTERS, KS), (jobs.DEC, KS)):
        for key in keys:
            assert drawn.run(job, key).success
    return drawn


def materialized(network: Opened, asset: str) -> int:
    """Return how many partitions of an asset are materialized."""
    return len(network.instance.get_materialized_partitions(dg.AssetKey(asset)))


def test_a_station_day_is_materialized_from_the_partition_dialog(page: Page, ui: Ui, operated: Opened) -> None:
    dialog = materialize(page, f"{ui.dagster}/assets/raw_waveforms")
    dialog.get_by_placeholder("ex: 2020-03-01, 2020-03-02").fill("2020-03-01")
    choose(page, dialog, "AA")
    expect(dialog.get_by_text("1 partition", exact=True)).to_be_visible()
    launch(page, dialog)
    leave_until(page, lambda: materialized(operated, "raw_waveforms") == 1)
    see_materialized(page, f"{ui.dagster}/assets/raw_waveforms?view=partitions&partition=2020-03-01%7CAA", 1)
    expect(page.get_by_text("Missing (5)")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="coverage")).to_be_visible()


def test_a_backfill_of_a_block_is_launched_and_seen_and_its_picture_read(page: Page, ui: Ui, operated: Opened) -> None:
    assert operated.run_block("acquire").success
    dialog = materialize(page, f"{ui.dagster}/locations/ris/asset-groups/process/lineage")
    # One for the days and one for the stations, which come after the dialog.
    everything = dialog.get_by_role("button", name="All", exact=True)
    expect(everything).to_have_count(2)
    for dimension in everything.all():
        dimension.click()
    expect(dialog.get_by_text("6 partitions", exact=True)).to_be_visible()
    launch(page, dialog)
    leave_until(page, lambda: materialized(operated, "spectrograms") == 6)
    see_materialized(page, f"{ui.dagster}/assets/spectrograms?view=partitions&partition=2020-03-02%7CBB", 6)
    expect(page.get_by_role("row").filter(has_text="dagster/row_count")).to_be_visible()
    picture = page.locator('img[alt="Sample spectrograms"]')
    expect(picture).to_be_visible()  # at a glance
    page.get_by_text("[Show Markdown]").click()
    expect(picture).to_have_count(2)
    expect(picture.last).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{ui.dagster}/runs?view=backfills")
    expect(page.get_by_text("Success", exact=True)).to_have_count(1)


def test_a_check_that_failed_says_why(page: Page, ui: Ui, drawn: Opened) -> None:
    page.goto(f"{ui.dagster}/assets/raw_waveforms?view=checks")
    expect(page.get_by_text("6 of 6 station-days are worth a look, 0 failed")).to_be_visible()
    page.get_by_text("[Show Markdown]").click()
    expect(page.get_by_text("BB 2020-03-03")).to_be_visible()


def test_a_training_is_launched_with_another_hyper_parameter_and_its_run_opened_in_mlflow(
    page: Page, ui: Ui, drawn: Opened
) -> None:
    dialog = materialize(page, f"{ui.dagster}/assets/aec_trials")
    choose(page, dialog, TRIAL)
    configure(page, dialog, json.dumps({"ops": {"aec_trials": {"config": {"max_epochs": 2}}}}))
    launch(page, dialog)
    leave_until(page, lambda: materialized(drawn, "aec_trials") == 1)
    see_materialized(page, f"{ui.dagster}/assets/aec_trials?view=partitions&partition={TRIAL}", 1)
    (run,) = MlflowClient(drawn.tracking.uri).search_runs(
        [drawn.tracking.prepare()], "tags.`ris.asset` = 'aec_trials' and params.trial != ''"
    )
    assert (run.data.params["max_epochs"], run.info.status) == ("2", "FINISHED")
    link = page.get_by_role("row").filter(has_text="mlflow").get_by_role("link").first
    expect(link).to_have_attribute("href", f"/mlflow/experiments/{run.info.experiment_id}/runs/{run.info.run_id}")
    with page.expect_popup() as opening:
        link.click()
    expect(opening.value.get_by_text(f"aec {TRIAL}").first).to_be_visible()
    expect(opening.value.get_by_text("best_val_mse").first).to_be_visible()


def test_the_champion_is_chosen_in_the_launchpad(page: Page, ui: Ui, trained: Opened) -> None:
    page.goto(f"{ui.dagster}/assets/champion_model")
    page.get_by_role("button", name="Materialize").first.locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="Open launchpad").click()
    # Nobody has reviewed an event, and Dagster does not ask whether the champion may do without a class model.
    type_config(page, json.dumps({"ops": {"champion_model": {"config": {"k": 3}}}}))
    # A page that is left before the server has the request takes it along.
    with page.expect_response(lambda answer: "LaunchPipelineExecution" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Materialize").last.click()
    champion = dg.AssetKey("champion_model")
    leave_until(page, lambda: trained.instance.get_latest_materialization_event(champion) is not None)
    page.goto(f"{ui.dagster}/assets/champion_model?view=events")
    expect(page.get_by_role("row").filter(has_text="model_version")).to_be_visible()
    assert read_json(trained.store.champion)["k"] == 3

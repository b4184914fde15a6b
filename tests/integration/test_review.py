"""Reviews of a small synthetic network: the command, a simulated reviewer, the queue as an asset, damage."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from builders import Opened, opened, own_environment, ris, synthetic_values, write_yaml
from typer.testing import CliRunner

from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_core.review.pool import processed_events
from ris_core.review.queue_file import queue_is_current
from ris_core.review.random_order import random_order
from ris_core.review.session import ReviewSession
from ris_core.review.simulate import simulate
from ris_core.review.state import ReviewState, read_state
from ris_core.storage import tables
from ris_core.storage.layout import Layout
from ris_core.truth.true_classes import true_classes
from ris_dagster.cli import app
from ris_dagster.method_runs import run_jobs

MADE = ["acquire", "process", "draw_training_set", "fit_spectra"]
REVIEW = {"first": 5, "batch": 5, "length": 12, "audit_share": 0.25}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data root with events, a training set of a part of them, and features; it is copied, not changed."""
    root = tmp_path_factory.mktemp("reviewed")
    values = synthetic_values() | {
        "candidates": ["spectra/kmeans"],
        "training_set": {"events": 120},
        "review": REVIEW,
        "novelty": {"score": "distance"},
        "class_model": {"trees": 20},
        "champion": {"candidate": "spectra/kmeans"},
    }
    config = write_yaml(root / "tiny.yaml", values)
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        with opened(config) as found:
            assert not run_jobs(found.definitions, found.instance, found.store.days, MADE)
        environment.undo()
        yield root


@pytest.fixture
def network(prepared: Path, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    shutil.copytree(prepared / "data", data_root)
    config = tmp_path / "tiny.yaml"
    shutil.copy(prepared / "tiny.yaml", config)
    monkeypatch.setenv("RIS_CONFIG", str(config))
    with opened(config) as found:
        yield found


def _state(layout: Layout) -> ReviewState:
    return ReviewState.of(ReviewLog(layout.reviews).read().decisions)


def _session(network: Opened, reviewer: str) -> ReviewSession:
    days = network.store.days
    everything = processed_events(days.process, days.all()).event_ids
    return ReviewSession(network.store, network.settings, everything, reviewer)


def test_a_simulated_reviewer_knows_the_truth_and_is_marked(network: Opened) -> None:
    said = ris("review", "--simulate", "truth", "--count", "30")
    assert said.exit_code == 0, said.output
    assert "Simulated: 30 events" in said.output
    state = _state(network.store)
    words = state.reviewed()
    truth = true_classes(network.store.days, list(network.store.days.all()))
    assert len(state.seen) == 30
    assert [truth[event] for event in words["event_id"]] == list(words["class_name"])
    assert set(words["reviewer"]) == {"simulated"}
    assert words["simulated"].all()
    assert 6 <= words["audit"].sum() + state.unsure()["audit"].sum() <= 9
    again = ris("review", "--simulate", "truth", "--count", "30")
    assert "Simulated: 0 events" in again.output
    shown = ris("review", "status").output
    assert f"({len(words)} by a simulated reviewer)" in shown


def test_audits_are_the_first_of_the_random_order_of_all_events(network: Opened) -> None:
    session = _session(network, "simulated")
    truth = true_classes(network.store.days, list(network.store.days.all()))
    simulate(session, truth, 30)
    words = session.state.all_words()
    audits = set(words.loc[words["reason"] == "audit", "event_id"])
    chosen = set(words.loc[words["reason"] != "audit", "event_id"])
    expected = [event for event in random_order(truth, 0) if event not in chosen][: len(audits)]
    # Events that were chosen after an audit was drawn may be among the first as well.
    assert len(audits & set(expected)) >= len(audits) - 2
    assert any(event not in set(session.pool.event_id) for event in audits)
    assert all(event in set(session.pool.event_id) for event in chosen)


def test_an_error_rate_gives_wrong_answers_that_do_not_depend_on_the_order(network: Opened) -> None:
    session = _session(network, "simulated-tired")
    truth = true_classes(network.store.days, list(network.store.days.all()))
    done = simulate(session, truth, 40, error_rate=0.5)
    words = session.state.reviewed()
    wrong = [truth[event] != name for event, name in zip(words["event_id"], words["class_name"], strict=True)]
    assert sum(wrong) == done.wrong
    assert 8 <= done.wrong <= 32
    with pytest.raises(ValueError, match="person"):
        simulate(_session(network, "ann"), truth, 1)


def test_simulation_is_for_synthetic_networks_and_simulated_names(network: Opened) -> None:
    assert ris("review", "--simulate", "lies").exit_code == 2
    assert ris("review", "--simulate", "truth", "--reviewer", "ann").exit_code == 2
    refused = ris("review", "--reviewer", "simulated")
    assert refused.exit_code == 2
    assert "kept for simulated" in refused.output


def _typed(*answers: str, words: tuple[str, ...] = ()) -> str:
    result = CliRunner().invoke(
        app,
        ["review", "--reviewer", "ann", *words],
        input="".join(f"{answer}\n" for answer in answers),
        env={"COLUMNS": "300"},
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_events_are_reviewed_in_the_terminal(network: Opened) -> None:
    said = _typed("icequake", "y", "1 # like the first", "n", "x", "u", "s", "Icequake", "b", "tremor", "no", "", "q")
    assert "7 events" not in said
    state = _state(network.store)
    words = state.reviewed()
    assert sorted(words["class_name"]) == ["icequake", "icequake", "noise", "not an event"]
    assert len(state.unsure()) == 1
    assert len(state.withdrawn) == 1
    assert "like the first" in [d.note for d in ReviewLog(network.store.reviews).read().decisions]
    assert "picture: " in said
    assert "is a new class" in said
    assert "taken back: label icequake" in said
    assert "5 events decided by ann" in said


def test_pictures_are_drawn_and_audits_shown_without_the_models_word(network: Opened) -> None:
    ris("review", "--simulate", "truth", "--count", "20")
    said = _typed(*["u"] * 8, words=("--count", "8"))
    assert "no picture" not in said
    blocks = said.split("\n\n")
    audits = [block for block in blocks if "audit, drawn at random" in block]
    others = [block for block in blocks if "uncertain for the class model" in block]
    assert audits and others
    assert not any("model: " in block or "resembles" in block for block in audits)
    assert all("model: " in block and "resembles" in block for block in others)


def test_a_second_reviewer_sees_what_others_reviewed(network: Opened) -> None:
    log = ReviewLog(network.store.reviews)
    events = list(tables.read_table(network.store.features("spectra"))["event_id"][:4])
    log.append([Decision("label", "bob", (event,), "A" if n < 2 else "B") for n, event in enumerate(events)])
    said = _typed("A", "A", "B", "B", words=("--second",))
    assert "bob" not in said.split("Train")[0].replace("ris review", "")
    assert "there is nothing more to show" in said
    shown = ris("review", "status").output
    assert "ann, bob" in shown
    assert {decision.reason for decision in log.read().decisions if decision.reviewer == "ann"} == {"second"}


def test_classes_are_renamed_merged_split_and_decisions_withdrawn(network: Opened) -> None:
    log = ReviewLog(network.store.reviews)
    events = list(tables.read_table(network.store.features("spectra"))["event_id"][:3])
    log.append([Decision("label", "bob", (event,), name) for event, name in zip(events, "ABB", strict=True)])
    who = ("--reviewer", "ann")
    assert ris("review", "rename", "A", "icequake", *who).exit_code == 0
    assert ris("review", "split", "B", "tremor", events[1], *who).exit_code == 0
    assert ris("review", "merge", "other", "B", "tremor", *who).exit_code == 0
    assert list(_state(network.store).reviewed().set_index("event_id").loc[events, "class_name"]) == [
        "icequake",
        "other",
        "other",
    ]
    assert ris("review", "withdraw", log.read().decisions[-1].id[:8], *who).exit_code == 0
    assert set(_state(network.store).classes) == {"icequake", "tremor", "B"}
    before = log.path.read_bytes()
    met = ris("review", "rename", "icequake", "Tremor", *who)
    assert met.exit_code == 1
    assert "`ris review merge tremor icequake` makes both one" in met.output.replace("\n", " ")
    none, many = ris("review", "withdraw", "nothing", *who), ris("review", "withdraw", "", *who)
    assert "no decision of the log begins with 'nothing'" in none.output.replace("\n", " ")
    assert "decisions of the log begin with ''" in many.output.replace("\n", " ")
    for words in (("rename", "nothing", "B"), ("withdraw", "3f2b"), ("merge", "=x", "B")):
        assert ris("review", *words, *who).exit_code == 1
    assert log.path.read_bytes() == before


def test_reviews_go_to_a_table_and_back(network: Opened, tmp_path: Path) -> None:
    ris("review", "--simulate", "truth", "--count", "10")
    assert ris("review", "export", tmp_path / "r.csv").exit_code == 0
    before = _state(network.store)
    assert "0 decisions added, 10 were there" in ris("review", "import", tmp_path / "r.csv").output
    shutil.rmtree(network.store.reviews.parent)
    assert ris("review", "import", tmp_path / "r.csv").exit_code == 0
    assert _state(network.store).digest == before.digest
    table = pd.DataFrame(
        {"event_id": [*before.reviewed()["event_id"][:1], "SY.S01..HHZ.nothing"], "class_name": "mine"}
    )
    table.to_csv(tmp_path / "simple.csv", index=False)
    said = ris("review", "import", tmp_path / "simple.csv", "--reviewer", "ann")
    assert said.exit_code == 1
    assert "1 decisions added" in said.output
    assert "line 3" in said.output
    refused = ris("review", "import", tmp_path / "tiny.yaml", "--reviewer", "ann")
    assert refused.exit_code == 1
    assert "event_id" in refused.output


def test_the_queue_is_an_asset_that_follows_reviews(network: Opened) -> None:
    def run() -> None:
        assert not run_jobs(network.definitions, network.instance, network.store.days, ["suggest_reviews"])

    def is_current() -> bool:
        days = network.store.days
        return queue_is_current(network.store, network.settings, processed_events(days.process, days.all()))

    assert not is_current()
    run()
    first = network.store.review_queue.read_bytes()
    assert is_current()
    table = tables.read_table(network.store.review_queue)
    assert len(table) == REVIEW["length"]
    assert (table["suggested_class"] == "").all()
    said = network.latest("review_queue").metadata
    assert said["reviewed"].value == 0
    assert "data:image/png" in str(said["next"].value)
    network.store.review_queue.unlink()
    run()
    assert network.store.review_queue.read_bytes() == first

    ris("review", "--simulate", "truth", "--count", "20")
    assert not is_current()
    run()
    after = tables.read_table(network.store.review_queue)
    assert not set(after["event_id"]) & read_state(network.store, network.settings.review).seen
    assert (after.loc[after["reason"] == "uncertain", "model"] != "").all()
    assert network.latest("review_queue").metadata["simulated"].value > 0
    broken = bytearray(network.store.review_queue.read_bytes())
    broken[len(broken) // 2] ^= 1
    network.store.review_queue.write_bytes(broken)
    assert not is_current()


def test_a_changed_log_is_found_never_removed_and_can_be_salvaged(network: Opened) -> None:
    ris("review", "--simulate", "truth", "--count", "10")
    assert ris("verify").exit_code == 0
    path = network.store.reviews
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], lines[3].replace('"bulk": false', '"bulk": true'), *lines[4:]]))
    changed = path.read_bytes()
    for verify in (["verify"], ["verify", "--remove"]):
        said = ris(*verify)
        assert said.exit_code == 1
        assert "line 4" in said.output
    assert path.read_bytes() == changed
    for words in (("review",), ("review", "status"), ("review", "--simulate", "truth"), ("review", "export", "x.csv")):
        said = ris(*words)
        assert said.exit_code == 1
        assert "salvage" in said.output
    done = ris("review", "salvage")
    assert done.exit_code == 0
    assert "9 decisions kept, 1 lines lost" in done.output
    assert ris("verify").exit_code == 0
    assert ris("review", "salvage").exit_code == 0

    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    said = ris("verify")
    assert said.exit_code == 1
    assert "2 were removed at the end" in said.output
    ris("review", "--simulate", "truth", "--count", "12")
    assert "2 were removed at the end" in ris("review", "status").output
    done = ris("review", "salvage")
    assert done.exit_code == 0
    assert "lost: 2 that were removed" in done.output
    assert ris("verify").exit_code == 0

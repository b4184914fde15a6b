"""Reviews as CSV."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ris_core.contracts.decision import Decision
from ris_core.review.exchange import ReviewTableError, read_csv, write_csv
from ris_core.review.log import ReviewLog
from ris_core.review.state import ReviewState

EVENTS = ("N.S1..HHZ.1", "N.S1..HHZ.2", "N.S2..HHZ.3")


def _some() -> list[Decision]:
    first = Decision("label", "ann", EVENTS[:2], "icequake (deep), 1", bulk=True, reason="audit", model="queue-0")
    note = 'a "quoted", note;\nof two lines, = 1+1'
    second = Decision("label", "bob", (EVENTS[2],), "Ä/B", note=note, time=datetime(2020, 1, 1, 12, 0, 0, 5, UTC))
    return [
        first,
        second,
        Decision("merge", "ann", class_name="C", former=("Ä/B", "icequake (deep), 1")),
        Decision("split", "ann", EVENTS[:1], "D", ("C",)),
        Decision("withdraw", "ann", withdrawn=(first.id, second.id)),
    ]


def test_a_written_log_is_read_as_it_was(tmp_path: Path) -> None:
    write_csv(tmp_path / "r.csv", _some_decisions := _some())
    found = read_csv(tmp_path / "r.csv", EVENTS, [], "carl")
    assert list(found.decisions) == _some_decisions
    assert found.left_out == ()


def test_a_log_takes_its_own_export_without_a_change(tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "log.jsonl")
    log.append(_some())
    before = log.path.read_bytes()
    write_csv(tmp_path / "r.csv", log.read().decisions)
    found = read_csv(tmp_path / "r.csv", EVENTS, log.read().decisions, "carl")
    assert log.append(found.decisions).added == 0
    assert log.path.read_bytes() == before


@pytest.mark.parametrize("sign", [",", ";"])
def test_a_plain_table_of_events_and_classes_is_taken_once(tmp_path: Path, sign: str) -> None:
    path, log = tmp_path / "r.csv", ReviewLog(tmp_path / "log.jsonl")
    text = f"\ufeffevent_id{sign}class_name\r\n{EVENTS[0]}{sign}quake\r\n{EVENTS[2]}{sign} Noise \r\n"
    path.write_text(text, encoding="utf-8", newline="")
    for added in (2, 0):
        found = read_csv(path, EVENTS, log.read().decisions, "carl")
        assert found.left_out == ()
        assert log.append(found.decisions).added == added
    table = ReviewState.of(log.read().decisions).reviewed()
    assert dict(zip(table["event_id"], table["class_name"], strict=True)) == {EVENTS[0]: "quake", EVENTS[2]: "noise"}
    assert set(table["reviewer"]) == {"carl"}
    assert not table["audit"].any()


def test_rows_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    logged = _some()
    path = tmp_path / "r.csv"
    rows = [
        "id,event_id,class_name,time,bulk",
        ",N.S9..HHZ.9,A,,",
        f",{EVENTS[0]},,,",
        f",{EVENTS[0]},=cmd,,",
        f"{logged[0].id},{EVENTS[0]},A,,",
        f",{EVENTS[0]},A,2020-01-01T00:00:00,",
        f",{EVENTS[0]},A,,perhaps",
        f",{EVENTS[0]},A",
        f"7,{EVENTS[0]},A,,",
        f",{EVENTS[1]},A,2020-01-01T00:00:00+01:00,yes",
    ]
    path.write_text("\n".join(rows))
    found = read_csv(path, EVENTS, logged, "carl")
    assert [text.split(":")[0] for text in found.left_out] == [f"line {n}" for n in range(2, 10)]
    for text, why in zip(
        found.left_out,
        ["processed", "class", "name of a class", "withdraw it", "time zone", "bulk", "columns", "UUID"],
        strict=True,
    ):
        assert why in text
    (decision,) = found.decisions
    assert decision.time == datetime(2019, 12, 31, 23, tzinfo=UTC)
    assert decision.bulk


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"event_id,class_name,colour\nx,y,z\n"])
def test_another_file_is_refused_with_what_it_needs(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(ReviewTableError, match=r"event_id|UTF-8"):
        read_csv(path, EVENTS, [], "carl")


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:00:00-05:00", "1066-10-14T09:00:00+00:00", "2999-01-01T00Z"]
)
def test_a_time_at_which_nobody_reviewed_is_left_out_and_not_written(tmp_path: Path, time: str) -> None:
    (tmp_path / "r.csv").write_text(f"event_id,class_name,time\n{EVENTS[0]},quake,{time}\n{EVENTS[1]},quake,\n")
    found = read_csv(tmp_path / "r.csv", EVENTS, [], "carl")
    assert [decision.event_ids for decision in found.decisions] == [(EVENTS[1],)]
    assert found.left_out[0].startswith("line 2: ")
    assert ReviewState.of(found.decisions).reviewed()["event_id"].tolist() == [EVENTS[1]]


def test_letters_that_are_put_together_from_two_signs_make_no_other_class(tmp_path: Path) -> None:
    text = f"event_id,class_name\n{EVENTS[0]},\u00e9boulement\n{EVENTS[1]},e\u0301boulement\n"
    (tmp_path / "r.csv").write_text(text, encoding="utf-8")
    found = read_csv(tmp_path / "r.csv", EVENTS, [], "carl")
    assert [decision.class_name for decision in found.decisions] == ["\u00e9boulement"] * 2


@pytest.mark.parametrize("head", ["event_id,class_name,class_name", "event_id,event_ids,class_name"])
def test_a_table_whose_columns_contradict_each_other_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "r.csv").write_text(f"{head}\n{EVENTS[0]},{EVENTS[1]},quake\n")
    with pytest.raises(ReviewTableError, match=r"twice|both event_id and event_ids"):
        read_csv(tmp_path / "r.csv", EVENTS, [], "carl")


def test_no_spelling_of_simulated_passes_for_a_person() -> None:
    assert Decision("label", "Simulated", EVENTS[:1], "quake").simulated
    assert Decision("label", "SIMULATED-b", EVENTS[:1], "quake").simulated
    assert not Decision("label", "simulator", EVENTS[:1], "quake").simulated

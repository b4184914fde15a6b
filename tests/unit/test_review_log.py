"""The review log: one line per decision, appended by many, never damaged by one that is killed."""

import json
from pathlib import Path

import pytest

from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_core.storage.damage import DamagedFileError


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    return ReviewLog(tmp_path / "reviews" / "log.jsonl")


def _label(event: str, name: str = "A", reviewer: str = "ann") -> Decision:
    return Decision("label", reviewer, (event,), name)


def test_decisions_come_back_in_the_order_of_the_log(log: ReviewLog) -> None:
    decisions = [
        _label("e1"),
        Decision(
            "label", "bob", ("e1", "e2"), "icequake, deep", bulk=True, reason="audit", model="m1", note="à vérifier\n"
        ),
        Decision("merge", "ann", class_name="B", former=("A", "icequake, deep")),
    ]
    log.append(decisions[:2])
    log.append(decisions[2:])
    assert log.read().decisions == tuple(decisions)
    assert log.read().torn == ""


def test_an_absent_log_has_no_decisions(log: ReviewLog) -> None:
    assert log.read().decisions == ()
    assert not log.path.exists()


def test_a_decision_is_added_once(log: ReviewLog) -> None:
    first, second = _label("e1"), _label("e2")
    log.append([first])
    done = log.append([first, second, second])
    assert (done.added, done.known) == (1, 2)
    assert log.read().decisions == (first, second)


def test_another_decision_with_the_same_id_is_refused(log: ReviewLog) -> None:
    first = _label("e1")
    log.append([first])
    with pytest.raises(ValueError, match="withdraw it"):
        log.append([Decision("label", "ann", ("e1",), "B", id=first.id)])
    assert log.read().decisions == (first,)


def test_a_line_cut_anywhere_is_no_decision_and_does_not_harm_the_next(log: ReviewLog) -> None:
    first, second, third = _label("e1"), _label("e2", "Ä"), _label("e3")
    log.append([first])
    whole = log.path.read_bytes()
    log.append([second])
    both = log.path.read_bytes()
    for end in range(len(whole) + 1, len(both) - 1):
        log.path.write_bytes(both[:end])
        found = log.read()
        assert found.decisions == (first,)
        assert "not a decision" in found.torn
        log.append([third])
        assert log.read().decisions == (first, third)
        assert log.read().torn == ""


def test_a_whole_last_line_without_its_newline_is_kept(log: ReviewLog) -> None:
    first, second = _label("e1"), _label("e2")
    log.append([first])
    log.path.write_bytes(log.path.read_bytes().rstrip(b"\n"))
    assert log.read().decisions == (first,)
    log.append([second])
    assert log.read().decisions == (first, second)


def _written(log: ReviewLog, n: int = 3) -> list[bytes]:
    log.append([_label(f"e{i}") for i in range(n)])
    return log.path.read_bytes().splitlines(keepends=True)


def _edited(line: bytes, **values: object) -> bytes:
    return json.dumps({**json.loads(line), **values}).encode() + b"\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: [lines[0], _edited(lines[1], class_name="B"), lines[2]], "line 2: it does not match its digest"),
        (lambda lines: [lines[0], lines[2]], "line 2: it does not follow"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 1: it does not follow"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2: it does not follow"),
        (lambda lines: [lines[0], b"\n", *lines[1:]], "line 2: not JSON"),
        (lambda lines: [b"[" * 100_000 + b"\n", *lines], "line 1: not JSON"),
        (lambda lines: [b"3\n", *lines], "line 1: not a decision"),
        (lambda lines: [b"\xff\xfe\x00\n", *lines], "line 1: not JSON"),
    ],
)
def test_a_changed_line_is_named_with_its_number_and_a_remedy(log: ReviewLog, change: object, why: str) -> None:
    lines = _written(log)
    log.path.write_bytes(b"".join(change(lines)))  # type: ignore[operator]  # a function of the lines
    before = log.path.read_bytes()
    with pytest.raises(DamagedFileError, match=why) as error:
        log.read()
    assert "ris review salvage" in error.value.remedy
    with pytest.raises(DamagedFileError, match=why):
        log.append([_label("e9")])
    assert log.path.read_bytes() == before

"""The review log: one line per decision, appended by many, never damaged by one that is killed."""

import hashlib
import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
from ris_core.review.log_lines import LaterFormatError
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import write_json


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
    for end in [len(whole) + 1, len(whole) + 100, *range(len(both) - 40, len(both) - 1)]:
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


def _rewritten(line: bytes, **values: object) -> bytes:
    """Return a line with other values and the digest that belongs to them, as another version would write it."""
    rest = {name: value for name, value in {**json.loads(line), **values}.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "digest": hashlib.sha256(text.encode()).hexdigest()[:16]}).encode() + b"\n"


@pytest.mark.parametrize(
    ("values", "why"),
    [({"kind": "promote"}, "'promote'"), ({"format": 2}, "format 2"), ({"weight": 1}, "fields weight")],
)
def test_a_decision_of_a_later_version_is_named_and_never_removed(
    log: ReviewLog, values: dict[str, object], why: str
) -> None:
    lines = _written(log, 1)
    for end in (b"", b"\n"):
        log.path.write_bytes(
            lines[0] + _rewritten(lines[0], before=json.loads(lines[0])["digest"], **values).strip() + end
        )
        before = log.path.read_bytes()
        for act in (log.read, log.salvage, lambda: log.append([_label("e9")])):
            with pytest.raises(LaterFormatError, match=f"line 2: .*{why}.*that wrote it"):
                act()
        assert log.path.read_bytes() == before


def test_missing_last_lines_are_said_until_a_salvage(log: ReviewLog, caplog: pytest.LogCaptureFixture) -> None:
    lines = _written(log)
    log.path.write_bytes(lines[0])
    assert "2 were removed at the end" in log.read().missing
    for name in ("e8", "e9"):
        with caplog.at_level(logging.WARNING):
            log.append([_label(name)])
        assert "2 were removed at the end" in caplog.text
        caplog.clear()
    assert "5 decisions were appended, and 3 are there: 2 were removed" in log.read().missing
    before = log.path.read_bytes()
    done = log.salvage()
    assert done is not None
    assert (done.kept, done.lost) == (3, ("2 that were removed: nothing of them is in the log",))
    assert done.aside is None and log.path.read_bytes() == before
    assert log.read().missing == ""
    log.append([_label("e10")])
    assert log.read().missing == "" and log.salvage() is None


def test_lines_that_a_kill_left_uncounted_are_not_missing(log: ReviewLog) -> None:
    _written(log)
    write_json(log.record, {"lines": 1})
    assert log.read().missing == ""


def test_a_removed_log_is_said(log: ReviewLog) -> None:
    _written(log)
    log.path.unlink()
    assert "3 decisions were appended" in log.read().missing


def test_salvage_keeps_the_sound_lines_and_the_damaged_log(log: ReviewLog) -> None:
    lines = _written(log, 5)
    damaged = b"".join([lines[0], _edited(lines[1], class_name="B"), lines[2], b"garbage\n", lines[4]])
    log.path.write_bytes(damaged)
    done = log.salvage()
    assert done is not None
    assert done.kept == 3
    assert [text.split(":")[0] for text in done.lost] == ["line 2", "line 4"]
    assert done.aside is not None and done.aside.read_bytes() == damaged
    assert [decision.event_ids for decision in log.read().decisions] == [("e0",), ("e2",), ("e4",)]
    assert log.salvage() is None
    log.append([_label("e9")])
    assert len(log.read().decisions) == 4


def test_salvage_puts_moved_lines_back_and_says_how_many_were_removed(log: ReviewLog) -> None:
    lines = _written(log, 6)
    log.path.write_bytes(b"".join([lines[0], lines[2], lines[1], lines[1], lines[5], lines[4]]))
    done = log.salvage()
    assert done is not None
    assert [decision.event_ids[0] for decision in log.read().decisions] == ["e0", "e1", "e2", "e4", "e5"]
    assert done.lost == ("1 that were removed: nothing of them is in the log",)


def test_many_processes_and_threads_append_at_once(log: ReviewLog) -> None:
    code = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
log, who = ReviewLog(Path(sys.argv[1])), sys.argv[2]
def add(i):
    first = Decision("label", who, (f"{who}-{i}",), "A", note="x" * 500)
    log.append([first, Decision("label", who, (f"{who}-{i}b",), "B")])
with ThreadPoolExecutor(4) as pool:
    list(pool.map(add, range(12)))
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(log.path), f"w{i}"]) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: log.append([_label(f"here-{i}")]), range(12)))
    seen = [len(log.read().decisions) for _ in range(20)]  # while others write
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    found = log.read()
    assert len({decision.id for decision in found.decisions}) == len(found.decisions) == 4 * 24 + 12
    assert seen == sorted(seen)
    # Decisions of one append stay together, and a writer's own order is kept.
    events = [decision.event_ids[0] for decision in found.decisions]
    assert all(events[events.index(f"w{i}-{n}") + 1] == f"w{i}-{n}b" for i in range(4) for n in range(12))


_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
log, share = ReviewLog(Path(sys.argv[1])), float(sys.argv[2])
log.append([Decision("label", "ann", ("e1",), "A")])
write = os.write
def half(file, text):
    write(file, text[: int(len(text) * share)])
    os.kill(os.getpid(), signal.SIGKILL)
os.write = half
log.append([Decision("label", "ann", ("e2",), "B", note="y" * 1000)])
"""


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_writer_that_is_killed_leaves_no_half_decision(
    log: ReviewLog, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, str(log.path), str(share)], check=False)
    assert done.returncode == -9
    found = log.read()
    assert [decision.event_ids for decision in found.decisions] == [("e1",)]
    assert ("was never completed" in found.torn) == (share > 0)
    with caplog.at_level(logging.WARNING):
        log.append([_label("e3")])
    assert ("was never completed" in caplog.text) == (share > 0)
    assert [decision.event_ids for decision in log.read().decisions] == [("e1",), ("e3",)]


def test_what_was_said_to_be_written_survives_a_kill_at_any_time(log: ReviewLog) -> None:
    code = """
import sys
from pathlib import Path
from ris_core.contracts.decision import Decision
from ris_core.review.log import ReviewLog
log = ReviewLog(Path(sys.argv[1]))
while True:
    decision = Decision("label", "ann", ("e1",), "A", note="z" * 1500)
    log.append([decision])
    print(decision.id, flush=True)
"""
    said: list[str] = []
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", code, str(log.path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said += [writer.stdout.readline().strip() for _ in range(5)]
            writer.kill()
            said += [line.strip() for line in writer.stdout if len(line.strip()) == 36]
    kept = {decision.id for decision in log.read().decisions}
    assert set(said) <= kept
    log.append([_label("e2")])
    assert set(said) < {decision.id for decision in log.read().decisions}


def test_something_else_in_place_of_the_log_is_named(log: ReviewLog) -> None:
    log.path.mkdir(parents=True)
    for act in (log.read, lambda: log.append([_label("e1")])):
        with pytest.raises(OSError, match="folder"):
            act()

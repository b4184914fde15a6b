"""The explorer as a process: reviews of two clients at once, and a server that is killed."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import requests
from explorer_network import Explored, environment_of
from servers import START_S, answers

from bench.ports import free_ports
from ris_core.access import read_catalogue
from ris_core.review.log import ReviewLog


class Page(requests.Session):
    """A browser's page: requests of one origin, changes with its token."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        page = self.get(f"{address}/", timeout=60).text
        token = re.search(r'name="explorer-token" content="([^"]+)"', page)
        assert token is not None
        self.headers.update({"Origin": address, "X-Explorer-Token": token[1]})

    def decide(self, event: str, name: str, reviewer: str) -> str:
        """Say what an event is, and return the identifier of the decision once it is acknowledged."""
        order = {"kind": "label", "reviewer": reviewer, "event_ids": [event], "class_name": name}
        answer = self.post(f"{self.address}/api/decisions", json=order, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["decision"]["id"])


@contextmanager
def served(explored: Explored) -> Iterator[tuple[psutil.Popen, str]]:
    """Run `python -m ris_explorer`; gives the process and its address."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "ris_explorer", "--config", str(explored.config), "--port", str(port)]
    log = explored.config.with_suffix(".log")
    with log.open("a") as file:
        process = psutil.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment_of(explored))
    try:
        until = time.monotonic() + START_S
        while not answers(f"http://127.0.0.1:{port}/api/health"):
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)


def events_of(explored: Explored) -> list[str]:
    return [str(name) for name in read_catalogue(explored.open(), columns=["event_id"])["event_id"]]


def test_of_a_killed_server_all_acknowledged_reviews_stay_and_two_clients_keep_their_order(
    explored_copy: Explored,
) -> None:
    events, log = events_of(explored_copy), ReviewLog(explored_copy.open().layout.reviews)
    known = [each.id for each in log.read().decisions]
    acknowledged: dict[str, list[str]] = {"cleo": [], "dora": []}
    enough = threading.Event()

    def write(reviewer: str, address: str) -> None:
        page = Page(address)
        for event in events:
            try:
                acknowledged[reviewer].append(page.decide(event, "low", reviewer))
            except requests.ConnectionError:
                return
            if all(len(done) >= 12 for done in acknowledged.values()):
                enough.set()

    with served(explored_copy) as (process, address):
        writers = [threading.Thread(target=write, args=(name, address)) for name in acknowledged]
        for writer in writers:
            writer.start()
        assert enough.wait(120)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join(60)
    content = log.read()
    assert not content.missing
    assert [each.id for each in content.decisions[: len(known)]] == known
    for reviewer, done in acknowledged.items():
        mine = [each for each in content.decisions if each.reviewer == reviewer]
        # One decision may be written and not acknowledged.
        assert [each.id for each in mine][: len(done)] == done and len(mine) - len(done) <= 1
        assert [each.event_ids[0] for each in mine] == events[: len(mine)]
    # The next server goes on where the log ends, also behind half a line.
    with log.path.open("ab") as file:
        file.write(b'{"half of a li')
    with served(explored_copy) as (_, address):
        new = Page(address).decide(events[-1], "middle", "cleo")
    assert [each.id for each in log.read().decisions] == [*(each.id for each in content.decisions), new]


def test_two_servers_of_one_network_lose_nothing(explored_copy: Explored) -> None:
    events, log = events_of(explored_copy), ReviewLog(explored_copy.open().layout.reviews)
    before = len(log.read().decisions)
    with served(explored_copy) as (_, first), served(explored_copy) as (_, second):
        pages = {"cleo": Page(first), "dora": Page(second)}

        def write(reviewer: str) -> None:
            for event in events[:10]:
                pages[reviewer].decide(event, "high", reviewer)

        writers = [threading.Thread(target=write, args=(name,)) for name in pages]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(120)
        # Each shows what the other has written.
        for page in pages.values():
            found = page.get(f"{page.address}/api/decisions?count=20", timeout=60).json()
            assert "cleo" in str(found) and "dora" in str(found)
    written = log.read().decisions[before:]
    for reviewer in ("cleo", "dora"):
        assert [each.event_ids[0] for each in written if each.reviewer == reviewer] == events[:10]
    assert len(written) == 20

"""Fills a block of the archive by hand: acquire, process and label what is missing, out of date or not recorded.

Each block goes through its stages in order, and each stage only takes what is not current, so a repeated command does
nothing twice. A failed station-day delays only its own next stages.
"""

import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import dagster as dg

from ris_core.contracts.station_day import StationDay
from ris_core.progress import track
from ris_core.station_days.station_days import StationDays
from ris_core.storage.journal import FailedAttempt
from ris_dagster.adapter.asset_graph import AssetGraph
from ris_dagster.adapter.event_records import latest_record
from ris_dagster.adapter.run_tags import of_user
from ris_dagster.bindings import Bindings
from ris_dagster.block_runs import AGAIN_TAG
from ris_dagster.launching import Launcher, LaunchError
from ris_dagster.method_runs import ENDED_BADLY, Run, error_of
from ris_dagster.planning import Block, plan
from ris_dagster.records import in_progress, recorded_station_days

BACKFILL_TAG = "ris/backfill"
"""Tag of the runs of one `ris backfill`."""
_POLL_S = 2.0


@dataclass(frozen=True)
class Asked:
    """The request for a backfill.

    Attributes
    ----------
    stages
        Stages in their order.
    keys
        Station-days.
    again
        Whether existing station-days are requested again from the source.
    """

    stages: tuple[str, ...]
    keys: tuple[StationDay, ...]
    again: bool = False


@dataclass(frozen=True)
class Failure:
    """A station-day that failed in this backfill, and its error."""

    stage: str
    key: StationDay
    error: str


@dataclass
class _Group:
    """Station-days that go through a stage together: the next stage begins when the last of their runs has ended."""

    keys: frozenset[StationDay]
    stage: str
    open: int


@dataclass(frozen=True)
class _Working:
    group: _Group
    block: Block
    keys: frozenset[StationDay]
    failures: Mapping[StationDay, FailedAttempt]


@dataclass
class Report:
    """The progress and result of a backfill.

    Attributes
    ----------
    settled
        Station-days of each stage that are finished with it: made, failed or left out.
    failures
        Failed station-days.
    left_out
        Station-days that other runs work on.
    working
        Runs that wait or work, by identifier.
    """

    settled: dict[str, set[StationDay]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    left_out: set[StationDay] = field(default_factory=set)
    working: dict[str, _Working] = field(default_factory=dict)


def outstanding(
    days: StationDays, bindings: Bindings, instance: dg.DagsterInstance, asked: Asked
) -> dict[str, set[StationDay]]:
    """Look at the disk and return what is to be done; a later stage may turn out to be current.

    A product that exists but is not recorded, because its run was killed or the record lost, is to be done as well:
    this only records it.
    """
    recorded = {stage: recorded_station_days(instance, bindings[stage]) for stage in asked.stages}
    found: dict[str, set[StationDay]] = {stage: set() for stage in asked.stages}
    inputs = {stage: days.inputs_of(stage) for stage in asked.stages}
    with days.look() as seen:
        for key in track(asked.keys, "looking at existing files", unit="station-day"):
            changing = set[str]()
            for name in asked.stages:
                stage = seen.stages[name]
                if stage.has_nothing_to_do(key):
                    continue
                again = asked.again and not stage.inputs
                if again or changing & inputs[name] or key not in recorded[name] or not stage.is_current(key):
                    changing.add(name)
                    found[name].add(key)
    return found


def plan_blocks(days: StationDays, todo: Mapping[str, set[StationDay]]) -> list[Block]:
    """Return the blocks that go through the stages, oldest first."""
    at_most = days.settings.operations.station_days_per_run
    return plan(set[StationDay]().union(*todo.values()), days.stations, at_most)


class Backfill:
    """A running backfill.

    Parameters
    ----------
    days, bindings, instance, graph
        The network, its stages, its Dagster instance and its assets.
    launcher
        Starts the runs.
    asked, todo
        The request, and the part of it that is to be done (`outstanding`).
    at_once
        Most runs that wait or work at once.
    """

    def __init__(
        self,
        days: StationDays,
        bindings: Bindings,
        instance: dg.DagsterInstance,
        graph: AssetGraph,
        launcher: Launcher,
        asked: Asked,
        todo: Mapping[str, set[StationDay]],
        at_once: int,
    ) -> None:
        self._days, self._bindings, self._instance, self._graph = days, bindings, instance, graph
        self._launcher = launcher
        self._asked, self._todo, self._at_once = asked, todo, at_once
        self._tags = (
            of_user("ris backfill")
            | {BACKFILL_TAG: uuid.uuid4().hex[:8]}
            | ({AGAIN_TAG: "true"} if asked.again else {})
        )
        self._begin = latest_record(instance)
        self._waiting: deque[tuple[_Group, Block]] = deque()
        self.report = Report({stage: set() for stage in asked.stages})

    def run(self, look: Callable[["Backfill"], None], say: Callable[[str], None]) -> None:
        """Take all blocks through their stages.

        Parameters
        ----------
        look
            Called at intervals to show the progress.
        say
            Called with the result of each run.

        Raises
        ------
        KeyboardInterrupt
            Ctrl-C: nothing more is started; the runs of `report.working` continue.
        """
        blocks = deque(plan_blocks(self._days, self._todo))
        working = self.report.working
        while blocks or self._waiting or working:
            while len(working) < self._at_once and (self._waiting or blocks):
                if not self._waiting:
                    self._waiting += self._runs_of(blocks.popleft().keys(), self._asked.stages[0])
                if self._waiting:
                    self._start(*self._waiting.popleft())
            look(self)
            ended = self._ended()
            for run in ended:
                say(self._settle(run, working.pop(run.run_id)))
            if working and not ended:
                time.sleep(_POLL_S)

    def done(self) -> dict[str, int]:
        """Return the number of finished station-days of each stage, including those of working runs."""
        counts = {}
        for stage, settled in self.report.settled.items():
            at_work = set[StationDay]().union(*(w.keys for w in self.report.working.values() if w.group.stage == stage))
            made = (
                at_work & recorded_station_days(self._instance, self._bindings[stage], self._begin)
                if at_work
                else set()
            )
            counts[stage] = len(settled | made)
        return counts

    def _runs_of(self, among: Collection[StationDay], stage: str) -> list[tuple[_Group, Block]]:
        """Return the runs that station-days need at a stage; if none, those of the next one."""
        keys = self._todo[stage].intersection(among)
        busy = keys & set[StationDay]().union(
            *in_progress(self._instance, self._days.stations, self._graph, self._bindings).values()
        )
        recorded = recorded_station_days(self._instance, self._bindings[stage]) if keys else set()
        wanted = {key for key in keys - busy if self._is_wanted(stage, key, key in recorded)}
        self.report.left_out |= busy
        self.report.settled[stage] |= keys - wanted
        runs = plan(wanted, self._days.stations, self._days.settings.operations.station_days_per_run)
        group = _Group(frozenset(among), stage, len(runs))
        return [(group, run) for run in runs] if runs else self._following(group)

    def _following(self, group: _Group) -> list[tuple[_Group, Block]]:
        after = self._asked.stages[self._asked.stages.index(group.stage) + 1 :]
        return self._runs_of(group.keys, after[0]) if after else []

    def _is_wanted(self, stage: str, key: StationDay, recorded: bool) -> bool:
        if self._asked.again and not self._days.stages[stage].inputs:
            return True
        # A single requested stage that is not ready fails and says what has to be done first.
        ready = self._days.stages[stage].is_ready(key) or stage == self._asked.stages[0]
        return ready and not (recorded and self._days.stages[stage].is_current(key))

    def _start(self, group: _Group, block: Block) -> None:
        keys = block.keys()
        before = {key: record for key in keys if (record := self._days.journal.find(group.stage, key)) is not None}
        run_id = self._launcher.launch(Run(group.stage, str(block), tags=block.tags() | self._tags))
        self.report.working[run_id] = _Working(group, block, frozenset(keys), before)

    def _ended(self) -> list[dg.DagsterRun]:
        ids = list(self.report.working)
        found = self._instance.get_runs(dg.RunsFilter(run_ids=ids)) if ids else []
        gone = set(ids) - {run.run_id for run in found}
        if gone:
            raise LaunchError(f"run {gone.pop()} was deleted from the instance while it was followed; start again")
        return [run for run in found if run.is_finished]

    def _settle(self, run: dg.DagsterRun, work: _Working) -> str:
        """Record the result of a run; the next stages then wait to be started."""
        failures = [] if run.is_success else self._failures_of(run, work)
        self.report.failures += failures
        self.report.settled[work.group.stage] |= work.keys
        work.group.open -= 1
        if work.group.open == 0:
            # Before new blocks, so that started ones are finished first.
            self._waiting.extendleft(reversed(self._following(work.group)))
        told = f"{work.group.stage} {work.block}: {len(work.block) - len(failures)} done"
        return told + (f", {len(failures)} FAILED (run {run.run_id})" if failures else "")

    def _failures_of(self, run: dg.DagsterRun, work: _Working) -> list[Failure]:
        noted = {
            key: record for key in work.keys if (record := self._days.journal.find(work.group.stage, key)) is not None
        }
        failed = {key: record.error for key, record in noted.items() if record != work.failures.get(key)}
        # A killed process records nothing about its station-days.
        events = [entry.get_dagster_event() for entry in self._instance.all_logs(run.run_id, of_type=ENDED_BADLY)]
        unsaid = [key for key in work.keys - failed.keys() if not self._days.stages[work.group.stage].is_current(key)]
        failed |= dict.fromkeys(unsaid, f"run {run.run_id}: {error_of(events)}")
        return [Failure(work.group.stage, key, failed[key]) for key in sorted(failed, key=lambda k: (k.day, k.station))]

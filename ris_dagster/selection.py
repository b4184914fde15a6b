"""The station-days and stages that the options of a command name."""

from datetime import date

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.station_days.station_days import StationDays
from ris_dagster.bindings import Bindings


class SelectionError(ValueError):
    """An option names something that does not exist; the message names the option and what is allowed."""


def choose_keys(settings: Settings, stations: str | None, first: date | None, last: date | None) -> list[StationDay]:
    """Return the station-days that options name: comma-separated codes, first and last day; by default all.

    Raises
    ------
    SelectionError
        The network does not have a station or a day.
    """
    known, days = [s.code for s in settings.stations], settings.days()
    codes = _split(stations) if stations else known
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise SelectionError(f"--stations {unknown[0]}: no such station; known are {', '.join(known)}")
    if not days:
        raise SelectionError(f"no day of the network is over yet; the first one is {settings.first_day}")
    for option, day in (("--from", first), ("--to", last)):
        if day is not None and not days[0] <= day <= days[-1]:
            raise SelectionError(f"{option} {day}: the days of the network that are over are {days[0]} ... {days[-1]}")
    first, last = first or days[0], last or days[-1]
    if last < first:
        raise SelectionError(f"--to {last} lies before --from {first}")
    return [StationDay(code, day) for day in days if first <= day <= last for code in known if code in codes]


def impossible_stages(days: StationDays) -> dict[str, str]:
    """Return the stages that cannot do anything for this network at present, and why."""
    return {name: why for name, stage in days.stages.items() if (why := stage.why_not())}


def choose_stages(days: StationDays, bindings: Bindings, assets: str | None) -> tuple[str, ...]:
    """Return the stages of comma-separated names of assets or stages; by default all that are possible.

    Raises
    ------
    SelectionError
        A name is not an asset or stage of station-days, or this network cannot have the stage.
    """
    impossible = impossible_stages(days)
    if not assets:
        return tuple(stage for stage in days.stages if stage not in impossible)
    meant = bindings.meant_by()
    chosen = set()
    for name in _split(assets):
        if name not in meant:
            raise SelectionError(f"--assets {name}: no asset or stage of station-days; known are {', '.join(meant)}")
        if meant[name] not in days.stages:
            raise SelectionError(f"--assets {name}: the settings of this network do not want it")
        if meant[name] in impossible:
            raise SelectionError(f"--assets {name}: {impossible[meant[name]]}")
        chosen.add(meant[name])
    return tuple(stage for stage in days.stages if stage in chosen)


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]

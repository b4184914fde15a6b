"""Automatic weather stations from the Antarctic Meteorological Research and Data Center; it needs no login."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.environment.downloads import CannotFetchError, Fetched, file_name, get, json_of, keep

if TYPE_CHECKING:
    import httpx

SEARCH = "https://amrdcdata.ssec.wisc.edu/api/3/action/package_search"
"""CKAN's search of data sets; there is one for each station and year."""
INTERVALS = ("10min", "1hr", "3hr")
_TITLE = re.compile(r"^(?P<name>.+?) Automatic Weather Station,? (?P<year>\d{4}) quality-controlled", re.IGNORECASE)


def fetch_weather(
    client: httpx.Client,
    name: str,
    years: Sequence[int],
    interval: str,
    folder: Path,
    again: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> Fetched:
    """Fetch the quality-controlled months of a station.

    Parameters
    ----------
    client
        For the requests.
    name
        Name of the weather station as AMRDC writes it, like ``Gill``.
    years
        Wanted years.
    interval
        ``10min``, ``1hr`` or ``3hr``.
    folder
        Where the files go, by their names.
    again
        Whether to fetch files that are there already.
    report
        Gets a line for each file.

    Raises
    ------
    CannotFetchError
        There is no such station, or a request failed.
    """
    sets = _data_sets(client, name)
    new, kept, missing = [], [], []
    for year in years:
        urls = [
            str(resource["url"])
            for resource in sets.get(year, ())
            if interval in (str(resource.get("name", "")) + file_name(str(resource["url"]))).lower()
        ]
        if not urls:
            missing.append(f"{year}: no files of {interval}" if year in sets else f"{year}: no data set")
        for url in sorted(urls):
            path = folder / file_name(url)
            if path.exists() and not again:
                kept.append(path.name)
                continue
            content, _ = get(client, url)
            keep(path, content, _is_weather, "a text of AMRDC")
            new.append(path.name)
            report(path.name)
    return Fetched(folder, tuple(new), tuple(kept), tuple(missing))


def _data_sets(client: httpx.Client, name: str) -> dict[int, list[dict[str, Any]]]:
    """Return the files of a station by year."""
    if not re.fullmatch(r"[\w .'-]+", name):
        raise CannotFetchError(f"{name!r} is not a name of a weather station; write it as AMRDC does, like Gill")
    query: dict[str, str | int] = {"q": f'title:"{name} Automatic Weather Station"', "rows": 1000}
    found = json_of(get(client, SEARCH, query)[0], SEARCH)
    sets: dict[int, list[dict[str, Any]]] = {}
    others: set[str] = set()
    try:
        results = found["result"]["results"]
        for one in results:
            title = _TITLE.match(one["title"])
            if title is None:
                continue
            if title["name"].lower() == name.lower():
                sets.setdefault(int(title["year"]), []).extend(one["resources"])
            else:
                others.add(title["name"])
    except (KeyError, TypeError) as error:
        raise CannotFetchError(f"{SEARCH}: the answer has another form than CKAN's: {error!r}") from error
    if not sets:
        near = f"; there are {', '.join(sorted(others)[:10])}" if others else ""
        raise CannotFetchError(f"AMRDC has no quality-controlled data of a weather station {name!r}{near}")
    return sets


def _is_weather(head: bytes) -> bool:
    return b"year" in head.split(b"\n")[0].lower()

"""Sea ice concentration NSIDC-0051 of version 2: found in NASA's catalogue, fetched with the user's Earthdata token."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core.environment.downloads import CannotFetchError, Fetched, file_name, get, is_hdf5, json_of, keep

if TYPE_CHECKING:
    import httpx

SEARCH = "https://cmr.earthdata.nasa.gov/search/granules.json"
"""NASA's Common Metadata Repository; it needs no login."""
TOKEN = "EARTHDATA_TOKEN"  # noqa: S105  # the name of a variable
"""Variable of the environment with the token that a user makes at urs.earthdata.nasa.gov."""
_PAGE = 2000
_DAILY_SOUTH = re.compile(r"NSIDC0051_SEAICE_PS_S25km_(\d{8})_v2\.\d\.nc")
_NEXT = "CMR-Search-After"


def fetch_ice(
    client: httpx.Client,
    first: date,
    last: date,
    token: str,
    folder: Path,
    again: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> Fetched:
    """Fetch the daily grids of the southern hemisphere.

    Parameters
    ----------
    client
        For the requests.
    first, last
        Days, inclusive.
    token
        Earthdata token of the user.
    folder
        Where the files go, by their names.
    again
        Whether to fetch files that are there already.
    report
        Gets a line for each file.

    Raises
    ------
    CannotFetchError
        There is no token, or a request failed.
    """
    if not token:
        raise CannotFetchError(
            f"NSIDC-0051 needs an Earthdata login: make a token at https://urs.earthdata.nasa.gov and set {TOKEN}, or "
            "get the files by hand (docs/environment.md)"
        )
    urls = _addresses(client, first, last)
    new, kept = [], []
    for name, url in sorted(urls.items()):
        path = folder / name
        if path.exists() and not again:
            kept.append(name)
            continue
        content, _ = get(client, url, token=token)
        keep(path, content, is_hdf5, f"netCDF (is {TOKEN} still valid?)")
        new.append(name)
        report(name)
    days = (last - first).days + 1
    missing = (f"{days - len(urls)} of {days} days have no file",) if len(urls) < days else ()
    return Fetched(folder, tuple(new), tuple(kept), missing)


def _addresses(client: httpx.Client, first: date, last: date) -> dict[str, str]:
    """Return the addresses of the daily southern grids by the names of their files."""
    query: dict[str, str | int] = {
        "short_name": "NSIDC-0051",
        "version": "2",
        "temporal": f"{first}T00:00:00Z,{last}T23:59:59Z",
        "page_size": _PAGE,
    }
    found: dict[str, str] = {}
    after = ""
    while True:
        content, headers = get(client, SEARCH, query, more={_NEXT: after} if after else None)
        try:
            links = [link for entry in json_of(content, SEARCH)["feed"]["entry"] for link in entry["links"]]
            data = [str(link["href"]) for link in links if str(link["rel"]).endswith("/data#")]
        except (KeyError, TypeError) as error:
            raise CannotFetchError(f"{SEARCH}: the answer has another form than CMR's: {error!r}") from error
        for url in data:
            named = _DAILY_SOUTH.fullmatch(file_name(url))
            if named and url.startswith("https://") and f"{first:%Y%m%d}" <= named[1] <= f"{last:%Y%m%d}":
                found.setdefault(named[0], url)
        after = headers.get(_NEXT, "")
        if not after or not links:
            return found

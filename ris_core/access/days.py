"""Days as users give them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

Day = date | datetime | np.datetime64 | str
"""A day: a date, a time of it (a pandas Timestamp too; by UTC), or text like 2015-01-31."""


def period(first: Day | None, last: Day | None) -> tuple[date | None, date | None]:
    """Return first and last day as dates.

    Raises
    ------
    TypeError, ValueError
        A day cannot be read, or the first day is after the last.
    """
    since, until = _day(first, "first"), _day(last, "last")
    if since is not None and until is not None and since > until:
        raise ValueError(f"first = {since} is after last = {until}")
    return since, until


def _day(value: Day | None, name: str) -> date | None:
    if value is None:
        return None
    allowed = "give a date, a Timestamp, or text like 2015-01-31"
    if not isinstance(value, date | np.datetime64 | str):
        raise TypeError(f"{name} = {value!r}: {allowed}")
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else pd.Timestamp(value)
    except ValueError as error:
        raise ValueError(f"{name} = {value!r}: {allowed}") from error
    if pd.isna(found):
        raise ValueError(f"{name} = {value!r}: {allowed}")
    return (found if found.tzinfo is None else found.astimezone(UTC)).date()

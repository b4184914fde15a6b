"""What a part of the report is: a title, and a function that makes its HTML or says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ris_core.report.html_elements import Html
from ris_core.station_days.station_days import StationDays


class PartAbsentError(Exception):
    """A part cannot be made of this network, whatever is run; the message says why."""


class NotMadeError(FileNotFoundError):
    """What a part shows has not been made yet."""


@dataclass(frozen=True)
class ReportPart:
    """A part of the report.

    Attributes
    ----------
    name
        Its anchor in the page.
    title
        Its heading.
    make
        Makes its pieces. `PartAbsentError`, and errors of files that are not there or cannot be used, say why there are
        none.
    command
        The command that makes what it needs; empty if there is none.
    """

    name: str
    title: str
    make: Callable[[StationDays], Sequence[Html]] = field(repr=False)
    command: str = ""


@dataclass(frozen=True)
class MadePart:
    """A part as it stands in the page.

    Attributes
    ----------
    part
        The part.
    html
        Its pieces together; empty if there is none.
    absent
        Why there is none, in words.
    command
        The command that would make what it lacks; empty if there is none.
    """

    part: ReportPart
    html: Html = field(repr=False)
    absent: str = ""
    command: str = ""


def made(part: ReportPart, days: StationDays) -> MadePart:
    """Return a part of a network, or why there is none."""
    try:
        pieces = [piece for piece in part.make(days) if piece]
    except PartAbsentError as error:
        return MadePart(part, Html(""), str(error))
    except (OSError, ValueError, KeyError) as error:
        said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        # Where the data root lies is of no interest to a reader elsewhere.
        root = str(days.layout.root)
        return MadePart(part, Html(""), said.replace(f"{root}/", "").replace(root, "data root"), part.command)
    return MadePart(part, Html("\n".join(pieces)), "" if pieces else "there is nothing to show")

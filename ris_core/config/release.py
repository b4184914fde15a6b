"""Settings: how exported results are described, and who made them."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from ris_core.section import Section

EventType = Literal[
    "not existing",
    "not reported",
    "earthquake",
    "anthropogenic event",
    "collapse",
    "cavity collapse",
    "mine collapse",
    "building collapse",
    "explosion",
    "accidental explosion",
    "chemical explosion",
    "controlled explosion",
    "experimental explosion",
    "industrial explosion",
    "mining explosion",
    "quarry blast",
    "road cut",
    "blasting levee",
    "nuclear explosion",
    "induced or triggered event",
    "rock burst",
    "reservoir loading",
    "fluid injection",
    "fluid extraction",
    "crash",
    "plane crash",
    "train crash",
    "boat crash",
    "other event",
    "atmospheric event",
    "sonic boom",
    "sonic blast",
    "acoustic noise",
    "thunder",
    "avalanche",
    "snow avalanche",
    "debris avalanche",
    "hydroacoustic event",
    "ice quake",
    "slide",
    "landslide",
    "rockslide",
    "meteorite",
    "volcanic eruption",
]
"""Types of events that QuakeML 1.2 knows (Schorlemmer et al. 2013)."""
EVENT_TYPES: tuple[str, ...] = get_args(EventType)


class CreatorSettings(Section):
    """A person or an organisation to be cited."""

    family_name: str = Field("", description="Family name of a person.")
    given_name: str = Field("", description="Given names of a person.")
    organisation: str = Field("", description="Name of an organisation, in place of a person's.")
    orcid: str = Field(
        "", pattern=r"^(\d{4}-\d{4}-\d{4}-\d{3}[\dX])?$", description="ORCID iD, like 0000-0002-1825-0097."
    )
    affiliation: str = Field("", description="Institution of a person.")

    def model_post_init(self, _context: object) -> None:
        """Refuse what is neither a person nor an organisation, or both."""
        if bool(self.family_name) == bool(self.organisation):
            raise ValueError("give family_name (and given_name) of a person, or organisation, and not both")

    @property
    def name(self) -> str:
        """Name as it is cited: ``Family, Given``, or the organisation."""
        return self.organisation or ", ".join(part for part in (self.family_name, self.given_name) if part)


class ReleaseSettings(Section):
    """Exports and releases: what the classes are in the words of QuakeML, and how a release is cited."""

    event_types: dict[int, EventType] = Field(
        default_factory=dict,
        description="Type of the events of a class in QuakeML, by class number, like {3: ice quake}; events of other "
        "classes have no type (ours).",
    )
    authority: str = Field(
        "local",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.\-*()_~']{2,}$",
        description="Authority of resource identifiers in QuakeML, smi:AUTHORITY/ris/NETWORK; local is that of files "
        "that no data centre has registered.",
    )
    title: str = Field("", description="Title of a release; by default made of network.title and the period.")
    creators: tuple[CreatorSettings, ...] = Field((), description="Who is to be cited for a release, in this order.")
    publisher: str = Field("", description="Repository that publishes a release, like Zenodo.")
    description: str = Field("", description="What the release is, in sentences for the beginning of the data card.")
    keywords: tuple[str, ...] = Field(
        ("seismology", "deep embedded clustering", "event catalogue"), description="Keywords of a release (ours)."
    )

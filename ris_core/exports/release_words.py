"""What a release says of itself: who made it, under which licence, and how it is cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from ris_core.config import CreatorSettings, Settings

METHOD_DOI = "10.1029/2021JB021716"
"""Jenkins et al. (2021), whose method is used."""


class IncompleteReleaseError(ValueError):
    """What a release must say is not known, or cannot be so; the message says what, and where it is given."""


@dataclass(frozen=True)
class ReleaseWords:
    """What is said of a release.

    Attributes
    ----------
    title, description, publisher, keywords, creators
        As in `ReleaseSettings`.
    licence
        SPDX identifier.
    version
        Version of the release.
    doi
        DOI that the repository has reserved; empty if there is none.
    released
        Day of the release.
    """

    title: str
    description: str
    publisher: str
    keywords: tuple[str, ...]
    creators: tuple[CreatorSettings, ...]
    licence: str
    version: str
    doi: str
    released: date

    @property
    def licence_url(self) -> str:
        """Page of the licence's text."""
        return f"https://spdx.org/licenses/{self.licence}.html"

    @classmethod
    def of(
        cls,
        settings: Settings,
        licence: str,
        creators: tuple[CreatorSettings, ...] = (),
        publisher: str = "",
        version: str = "1.0.0",
        doi: str = "",
        released: date | None = None,
    ) -> ReleaseWords:
        """Return what is said of a release of a network.

        Raises
        ------
        IncompleteReleaseError
            Licence, creators or publisher are missing, or the licence is not of the SPDX list.
        """
        said = settings.release
        creators, publisher = creators or said.creators, publisher or said.publisher
        missing = []
        if not licence:
            missing.append(
                "a licence, which is yours to choose and is never assumed: --licence with an SPDX identifier, for "
                "example CC-BY-4.0 or CC0-1.0"
            )
        if not creators:
            missing.append("who is to be cited: release.creators of the settings, or --creator 'Family, Given'")
        if not publisher:
            missing.append("the repository: release.publisher of the settings, or --publisher Zenodo")
        if missing:
            raise IncompleteReleaseError("a release needs " + "; and ".join(missing))
        until = settings.last_day or "now"
        called = settings.network.title or f"network {settings.network.code}"
        title = said.title or f"Seismic events of {called}, {settings.first_day} to {until}, with their classes"
        return cls(title, said.description, publisher, said.keywords, creators, _licence(licence), version, doi,
                   released or date.today())  # fmt: skip


def _licence(text: str) -> str:
    try:
        found = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        found = ""
    if not found or " " in found or found.startswith("LicenseRef-"):
        raise IncompleteReleaseError(
            f"--licence {text}: give one identifier of the SPDX list (spdx.org/licenses), for example CC-BY-4.0"
        )
    return found


def creator_of(text: str) -> CreatorSettings:
    """Return a creator from ``Family, Given; ORCID; affiliation``, or the name of an organisation without a comma.

    Raises
    ------
    ValueError
        The ORCID iD is not one.
    """
    name, orcid, affiliation = ([part.strip() for part in text.split(";")] + ["", ""])[:3]
    family, comma, given = name.partition(",")
    if not comma:
        return CreatorSettings(organisation=name)
    return CreatorSettings(family_name=family.strip(), given_name=given.strip(), orcid=orcid, affiliation=affiliation)


def citation_cff(words: ReleaseWords, abstract: str) -> str:
    """Return CITATION.cff (Citation File Format 1.2.0) of a release."""
    authors: list[dict[str, str]] = []
    for one in words.creators:
        if one.organisation:
            authors.append({"name": one.organisation})
            continue
        author = {"family-names": one.family_name, "given-names": one.given_name, "affiliation": one.affiliation}
        author["orcid"] = f"https://orcid.org/{one.orcid}" if one.orcid else ""
        authors.append({key: value for key, value in author.items() if value})
    said: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": words.title,
        "authors": authors,
        "abstract": abstract,
        "version": words.version,
        "date-released": words.released.isoformat(),
        "license": words.licence,
        "keywords": list(words.keywords),
        **({"doi": words.doi} if words.doi else {}),
    }
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)


def datacite(
    words: ReleaseWords, abstract: str, period: tuple[str, str], places: Mapping[str, tuple[float, float]], made_by: str
) -> dict[str, Any]:
    """Return the metadata of a release by the DataCite schema 4, as JSON has them.

    Parameters
    ----------
    words, abstract
        What is said of it.
    period
        First and last day of the events.
    places
        Latitude and longitude of stations, degrees.
    made_by
        Program and version.
    """
    creators = []
    for one in words.creators:
        creator: dict[str, Any] = {"name": one.name}
        if one.organisation:
            creators.append(creator | {"nameType": "Organizational"})
            continue
        creator |= {"nameType": "Personal", "familyName": one.family_name}
        creator |= {"givenName": one.given_name} if one.given_name else {}
        if one.orcid:
            scheme = {"nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
            creator["nameIdentifiers"] = [{"nameIdentifier": f"https://orcid.org/{one.orcid}", **scheme}]
        creator |= {"affiliation": [{"name": one.affiliation}]} if one.affiliation else {}
        creators.append(creator)
    return {
        **({"doi": words.doi} if words.doi else {}),
        "creators": creators,
        "titles": [{"title": words.title}],
        "publisher": {"name": words.publisher},
        "publicationYear": str(words.released.year),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Catalogue of seismic events"},
        "subjects": [{"subject": keyword} for keyword in words.keywords],
        "dates": [
            {"date": f"{period[0]}/{period[1]}", "dateType": "Collected"},
            {"date": words.released.isoformat(), "dateType": "Issued"},
        ],
        "language": "en",
        "version": words.version,
        "rightsList": [
            {
                "rights": words.licence,
                "rightsUri": words.licence_url,
                "rightsIdentifier": words.licence,
                "rightsIdentifierScheme": "SPDX",
                "schemeUri": "https://spdx.org/licenses/",
            }
        ],
        "descriptions": [
            {"description": abstract, "descriptionType": "Abstract"},
            {"description": f"Made with {made_by}; README.md says how.", "descriptionType": "Methods"},
        ],
        "relatedIdentifiers": [
            {"relatedIdentifier": METHOD_DOI, "relatedIdentifierType": "DOI", "relationType": "Cites"}
        ],
        "geoLocations": [
            {"geoLocationPlace": f"Station {code}",
             "geoLocationPoint": {"pointLatitude": latitude, "pointLongitude": longitude}}
            for code, (latitude, longitude) in places.items()
        ],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }  # fmt: skip

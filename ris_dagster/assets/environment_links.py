"""Which classes follow which environmental series, and which do not."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from ris_core import versions
from ris_core.config import Settings
from ris_core.section import digest_of
from ris_dagster.assets.environment import ENVIRONMENT_SERIES
from ris_dagster.assets.event_catalogue import EVENT_CATALOGUE
from ris_dagster.metadata import code_version, column_schema, figure, owners, presented, table, warning
from ris_dagster.remedies import noting_remedies
from ris_dagster.resources.data_store import DataStore

if TYPE_CHECKING:
    from ris_core.links.link_run import FinishedLinks

ENVIRONMENT_LINKS = dg.AssetKey("environment_links")
_SHOWN = 60
_CHECKS = {
    "of_the_labels": "The tested events are those of the catalogue, not the truth of a network. It only warns.",
    "noise_known": "A noise level is known, so that wind is not mistaken for a cause. It only warns.",
    "unmixed": "Counts are corrected for the known confusion of classes, so that no class gets the links of another. "
    "It only warns.",
    "identifiable": "A claim is possible for some class and series. It only warns.",
    "complete": "Every series of the settings was read, and nothing was left out. It only warns.",
}


def build_environment_links_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the asset of the links; none for imported events, which have no live time."""
    return [] if settings.imported else [_links(settings)]


def _links(settings: Settings) -> dg.AssetsDefinition:
    series = [ENVIRONMENT_SERIES] if settings.environment else []

    @dg.asset(
        key=ENVIRONMENT_LINKS,
        group_name="analysis",
        kinds={"parquet"},
        owners=owners(settings),
        tags={"stage": "analysis"},
        description="Which classes follow which environmental series, and which depend on the phase of the tide: "
        "effect, interval, p, q and effective number of clusters by class, station and series, and what can be claimed "
        "for the network. docs/analysis.md says what each test assumes and when not to believe it.",
        deps=[EVENT_CATALOGUE, *series],
        code_version=code_version(versions.LINKS, digest_of(settings.links.model_dump(mode="json"))),
        check_specs=[
            dg.AssetCheckSpec(name, asset=ENVIRONMENT_LINKS, description=about) for name, about in _CHECKS.items()
        ],
    )
    @presented("verdict_picture")
    @noting_remedies
    def environment_links(context: dg.AssetExecutionContext, store: DataStore) -> Any:
        from ris_core.figures.link_figures import link_verdicts, schuster_spectra, tidal_phases
        from ris_core.links.link_run import link_notes, make_links
        from ris_core.links.link_schema import LINK_SCHEMA, LINKS

        layout = store.layout()
        found = make_links(store.station_days())
        said, notes = found.summary, link_notes(found.summary)
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(found.content),
            metadata={
                "dagster/row_count": len(found.effects),
                "dagster/column_schema": column_schema(LINK_SCHEMA),
                "path": dg.MetadataValue.path(layout.relative(layout.analysis(LINKS))),
                "events": said["events"],
                "labels": said["labels"],
                "noise": said["noise"],
                "stations": said["stations"],
                "from": said["first"],
                "to": said["last"],
                "without_series": said["without_series"],
                "verdicts": {str(name): int(n) for name, n in found.verdicts["verdict"].value_counts().items()},
                "links": table(found.verdicts[found.verdicts["verdict"] == "link"]),
                "not_claimed": table(found.verdicts[found.verdicts["verdict"] != "link"].head(_SHOWN)),
                "tides": table(found.tides.head(_SHOWN)),
                "verdict_picture": figure(link_verdicts(found.verdicts, notes), "Which classes follow which series"),
                "phase_picture": figure(tidal_phases(found.phases, notes), "Phases of the tide"),
                "schuster_picture": figure(schuster_spectra(found.spectra, notes), "Schuster spectra"),
            },
        )
        for name, doubts in _doubts(found).items():
            yield warning(ENVIRONMENT_LINKS, name, doubts)

    return environment_links


def _doubts(found: "FinishedLinks") -> dict[str, list[str]]:
    said = found.summary
    possible = (found.verdicts["verdict"] != "not identifiable").any() if len(found.verdicts) else False
    reasons = list(dict.fromkeys(found.effects["reason"]))[:3] if len(found.effects) else ["nothing to test"]
    missing = [f"{name}: there is no series of its kind; add one to `environment`" for name in said["without_series"]]
    return {
        "of_the_labels": [] if said["events"] == "the catalogue" else [str(said["events"])],
        "noise_known": [] if all(said["noise"]) else ["no noise level is known; give a series with noise_covariate"],
        "unmixed": [str(said["labels"])] if "as they are" in said["labels"] else [],
        "identifiable": [] if possible else [f"no claim is possible: {'; '.join(reasons)}"],
        "complete": [*missing, *said["doubts"]],
    }

"""Settings: what is computed from the labels."""

from __future__ import annotations

from pydantic import Field

from ris_core.config.attribute_tables import WithAttributes
from ris_core.config.catalogue import CatalogueSettings
from ris_core.config.completeness import CompletenessSettings
from ris_core.config.counting import RatesSettings, StatisticsSettings
from ris_core.config.environment import AnySeries
from ris_core.config.environment_figures import PanelsSettings
from ris_core.config.event_map import EventMapSettings
from ris_core.config.links import LinksSettings
from ris_core.config.release import ReleaseSettings


class WithAnalysis(WithAttributes):
    """What is computed from the labels: one section for each table of the analysis."""

    catalogue: CatalogueSettings = CatalogueSettings()
    rates: RatesSettings = RatesSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    event_map: EventMapSettings = EventMapSettings()
    environment: tuple[AnySeries, ...] = Field(
        (), description="Environmental series, each with its `reader` and the settings of that reader."
    )
    environment_figures: tuple[PanelsSettings, ...] = Field(
        (), description="Figures of environmental series over the counts of each class."
    )
    completeness: CompletenessSettings = CompletenessSettings()
    links: LinksSettings = LinksSettings()
    release: ReleaseSettings = ReleaseSettings()

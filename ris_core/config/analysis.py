"""Settings: what is computed from the labels."""

from __future__ import annotations

from ris_core.config.attribute_tables import WithAttributes
from ris_core.config.catalogue import CatalogueSettings
from ris_core.config.counting import RatesSettings, StatisticsSettings


class WithAnalysis(WithAttributes):
    """What is computed from the labels: one section for each table of the analysis."""

    catalogue: CatalogueSettings = CatalogueSettings()
    rates: RatesSettings = RatesSettings()
    statistics: StatisticsSettings = StatisticsSettings()

"""Settings: what is computed from the labels."""

from __future__ import annotations

from ris_core.config.attribute_tables import WithAttributes
from ris_core.config.catalogue import CatalogueSettings


class WithAnalysis(WithAttributes):
    """What is computed from the labels: one section for each table of the analysis."""

    catalogue: CatalogueSettings = CatalogueSettings()

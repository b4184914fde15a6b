"""All stages of station-days with their assets, in their order. Another stage is added here."""

from ris_dagster.assets.attributes import ATTRIBUTES
from ris_dagster.assets.labels import LABELS
from ris_dagster.assets.raw_waveforms import RAW
from ris_dagster.assets.station_day_events import EVENTS
from ris_dagster.bindings import Bindings

BINDINGS = Bindings((RAW, EVENTS, ATTRIBUTES, LABELS))

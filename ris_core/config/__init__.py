"""Typed, frozen settings of one network, read from one YAML file.

Every default is the value of Jenkins et al. (2021, doi 10.1029/2021JB021716; "J21" below) or of its published code
("code"), unless the description says otherwise. A quantity may be written as a number in the unit of its field or as
text with that unit (``0.5`` or ``0.5 s``); another unit is refused.
"""

from ris_core.config.learning import (
    Aec,
    AecGrid,
    Champion,
    ClusterCount,
    Dec,
    Device,
    Labelling,
    Normalisation,
    Novelty,
    Stability,
    TrainingSet,
    require_decoder_for_novelty,
    trial_key,
)
from ris_core.config.load import (
    DEFAULT_CONFIG,
    PROJECT_ROOT,
    PROVIDER_VARIABLE,
    config_path,
    data_root,
    load_settings,
)
from ris_core.config.operations import Operations
from ris_core.config.processing import (
    Conditioning,
    Detector,
    Response,
    Spectrogram,
    StaLta,
    TraceKind,
    spectrogram_shape,
)
from ris_core.config.reading import SettingsError
from ris_core.config.settings import RECOMMENDED, Settings
from ris_core.config.sources import (
    FdsnSource,
    Network,
    PublishedSource,
    Retention,
    SdsSource,
    Source,
    Station,
    SyntheticSource,
)

__all__ = [
    "DEFAULT_CONFIG",
    "PROJECT_ROOT",
    "PROVIDER_VARIABLE",
    "RECOMMENDED",
    "Aec",
    "AecGrid",
    "Champion",
    "ClusterCount",
    "Conditioning",
    "Dec",
    "Detector",
    "Device",
    "FdsnSource",
    "Labelling",
    "Network",
    "Normalisation",
    "Novelty",
    "Operations",
    "PublishedSource",
    "Response",
    "Retention",
    "SdsSource",
    "Settings",
    "SettingsError",
    "Source",
    "Spectrogram",
    "StaLta",
    "Stability",
    "Station",
    "SyntheticSource",
    "TraceKind",
    "TrainingSet",
    "config_path",
    "data_root",
    "load_settings",
    "require_decoder_for_novelty",
    "spectrogram_shape",
    "trial_key",
]

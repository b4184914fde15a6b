"""Typed, frozen settings of one network, read from one YAML file.

Every default is the value of Jenkins et al. (2021, doi 10.1029/2021JB021716; "J21" below) or of its published code
("code"), unless the description says otherwise. A quantity may be written as a number in the unit of its field or as
text with that unit (``0.5`` or ``0.5 s``); another unit is refused.
"""

from ris_core.config.after_training import (
    ChampionSettings,
    LabellingSettings,
    NoveltySettings,
    StabilitySettings,
    require_decoder_for_novelty,
)
from ris_core.config.attributes import AttributesSettings, AttributeTablesSettings
from ris_core.config.bounds import SMALLEST_SIZE, check_time_shift
from ris_core.config.candidates import CandidatesSettings
from ris_core.config.catalogue import CatalogueSettings, RepeaterSettings
from ris_core.config.channels import SYNTHETIC_COMPONENTS, ComponentsSettings
from ris_core.config.class_model import ClassModelSettings
from ris_core.config.completeness import CompletenessSettings
from ris_core.config.counting import RatesSettings, StatisticsSettings
from ris_core.config.defaults import RECOMMENDED, known_presets
from ris_core.config.event_map import EventMapSettings
from ris_core.config.learning import (
    AecGridSettings,
    AecSettings,
    ClusterCountSettings,
    DecSettings,
    Device,
    NormalisationSettings,
    TrainingSetSettings,
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
from ris_core.config.methods import (
    CLUSTERERS,
    REPRESENTATIONS,
    AecRepresentationSettings,
    ConsensusSettings,
    GmmSettings,
    KMeansSettings,
    MicroSettings,
    SpectraSettings,
)
from ris_core.config.operations import OperationsSettings
from ris_core.config.processing import (
    PAPER_INPUT,
    ConditioningSettings,
    ContextSettings,
    ResponseSettings,
    SpectrogramSettings,
    TraceKind,
    input_spec,
    spectrogram_shape,
)
from ris_core.config.ranking import RankingSettings
from ris_core.config.release import EVENT_TYPES, CreatorSettings, ReleaseSettings
from ris_core.config.review import ReviewSettings
from ris_core.config.settings import Settings
from ris_core.config.sources import (
    SYNTHETIC_RATE,
    FdsnSettings,
    NetworkSettings,
    PublishedSettings,
    RetentionSettings,
    SdsSettings,
    SourceSettings,
    StationSettings,
    SyntheticSettings,
    source_name,
)
from ris_core.config.yaml_reading import SettingsError

__all__ = [
    "CLUSTERERS",
    "DEFAULT_CONFIG",
    "EVENT_TYPES",
    "PAPER_INPUT",
    "PROJECT_ROOT",
    "PROVIDER_VARIABLE",
    "RECOMMENDED",
    "REPRESENTATIONS",
    "SMALLEST_SIZE",
    "SYNTHETIC_COMPONENTS",
    "SYNTHETIC_RATE",
    "AecGridSettings",
    "AecRepresentationSettings",
    "AecSettings",
    "AttributeTablesSettings",
    "AttributesSettings",
    "CandidatesSettings",
    "CatalogueSettings",
    "ChampionSettings",
    "ClassModelSettings",
    "ClusterCountSettings",
    "CompletenessSettings",
    "ComponentsSettings",
    "ConditioningSettings",
    "ConsensusSettings",
    "ContextSettings",
    "CreatorSettings",
    "DecSettings",
    "Device",
    "EventMapSettings",
    "FdsnSettings",
    "GmmSettings",
    "KMeansSettings",
    "LabellingSettings",
    "MicroSettings",
    "NetworkSettings",
    "NormalisationSettings",
    "NoveltySettings",
    "OperationsSettings",
    "PublishedSettings",
    "RankingSettings",
    "RatesSettings",
    "ReleaseSettings",
    "RepeaterSettings",
    "ResponseSettings",
    "RetentionSettings",
    "ReviewSettings",
    "SdsSettings",
    "Settings",
    "SettingsError",
    "SourceSettings",
    "SpectraSettings",
    "SpectrogramSettings",
    "StabilitySettings",
    "StationSettings",
    "StatisticsSettings",
    "SyntheticSettings",
    "TraceKind",
    "TrainingSetSettings",
    "check_time_shift",
    "config_path",
    "data_root",
    "input_spec",
    "known_presets",
    "load_settings",
    "require_decoder_for_novelty",
    "source_name",
    "spectrogram_shape",
    "trial_key",
]

"""All settings of one network, and the digests of the settings that influence each product."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from ris_core.config.after_training import (
    ChampionSettings,
    LabellingSettings,
    NoveltySettings,
    StabilitySettings,
)
from ris_core.config.analysis import WithAnalysis
from ris_core.config.bounds import bounds_doubts, check_bounds
from ris_core.config.channels import Channels, ComponentsSettings
from ris_core.config.class_model import ClassModelSettings
from ris_core.config.defaults import preset_values, with_defaults
from ris_core.config.environment import check_series
from ris_core.config.environment_figures import check_panels
from ris_core.config.learning import (
    AecSettings,
    ClusterCountSettings,
    NormalisationSettings,
    TrainingSetSettings,
)
from ris_core.config.operations import OperationsSettings
from ris_core.config.processing import (
    ConditioningSettings,
    ContextSettings,
    ResponseSettings,
    SpectrogramSettings,
    input_spec,
)
from ris_core.config.ranking import RankingSettings
from ris_core.config.review import ReviewSettings
from ris_core.config.sources import (
    FdsnSettings,
    NetworkSettings,
    PublishedSettings,
    RetentionSettings,
    SdsSettings,
    SourceSettings,
    StationSettings,
    SyntheticSettings,
)
from ris_core.contracts.candidate_name import AEC_DEC, REVIEWED, CandidateName
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import StationDay
from ris_core.detectors.registry import DEFAULT, DETECTORS, AnyDetector
from ris_core.plugins import load_plugins
from ris_core.section import digest_of


class Settings(WithAnalysis):
    """Everything that describes one network and its products."""

    profile: Literal["paper", "recommended"] = Field(
        "paper", description="Defaults of all values that are not given: the paper's, or those of `RECOMMENDED` (ours)."
    )
    preset: str | None = Field(
        None,
        description="Values for one kind of network; they replace the profile's, and values given here replace them: "
        "icequakes_1000hz, volcano or regional (ours; docs/method.md says what each is for).",
    )
    network: NetworkSettings
    stations: tuple[StationSettings, ...] = Field(min_length=1)
    channels: Channels = Field(
        ("HHZ",),
        validation_alias=AliasChoices("channels", "channel"),
        description="SEED codes of the channels of one instrument, in the order in which products hold them "
        "(J21: HHZ); `channel` names one.",
    )
    components: ComponentsSettings = ComponentsSettings()
    location: str = Field("", pattern=r"^(--|[A-Z0-9]{0,2})$", description="SEED location code; '' or '--' is empty.")
    first_day: date = Field(description="First day, UTC.")
    last_day: date | None = Field(None, description="Last day, inclusive, UTC; none: the network still records.")
    source: SourceSettings = Field(description="Where station-days come from: synthetic, sds, fdsn or published.")
    conditioning: ConditioningSettings = ConditioningSettings()
    response: ResponseSettings = ResponseSettings()
    detector: AnyDetector = DEFAULT()
    spectrogram: SpectrogramSettings = SpectrogramSettings()
    context: ContextSettings = ContextSettings()
    training_set: TrainingSetSettings = TrainingSetSettings()
    normalisation: NormalisationSettings = NormalisationSettings()
    aec: AecSettings = AecSettings()
    cluster_count: ClusterCountSettings = ClusterCountSettings()
    class_model: ClassModelSettings = ClassModelSettings()
    ranking: RankingSettings = RankingSettings()
    champion: ChampionSettings = ChampionSettings()
    stability: StabilitySettings = StabilitySettings()
    novelty: NoveltySettings = NoveltySettings()
    labelling: LabellingSettings = LabellingSettings()
    review: ReviewSettings = ReviewSettings()
    retention: RetentionSettings = RetentionSettings()
    operations: OperationsSettings = OperationsSettings()

    @model_validator(mode="before")
    @classmethod
    def _profile(cls, values: Any) -> Any:
        # Wherever settings are read, also from JSON on a worker, the kinds of plug-ins must be known.
        load_plugins()
        return with_defaults(values) if isinstance(values, Mapping) else values

    @model_validator(mode="before")
    @classmethod
    def _channels_once(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and {"channel", "channels"} <= values.keys():
            raise ValueError("channel and channels are both given; give channels alone, for example [HHZ, HHN, HHE]")
        return values

    @field_validator("location")
    @classmethod
    def _empty_location(cls, value: str) -> str:
        return "" if value == "--" else value

    @model_validator(mode="after")
    def _class_model_has_features(self) -> Settings:
        represented = [candidate.representation for candidate in self.candidate_names]
        unfitted = [name for name in self.class_model.representations or () if name not in represented]
        if unfitted:
            raise ValueError(
                f"class_model.representations: {', '.join(unfitted)} is not among the representations of candidates "
                f"({', '.join(dict.fromkeys(represented))}); add a candidate that has it"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        self.components.check(self.channels)
        if self.imported and len(self.channels) > 1:
            raise ValueError(
                f"channels: {', '.join(self.channels)}, but published files hold one channel; give the one of the file"
            )
        codes = [s.code for s in self.stations]
        twice = sorted({c for c in codes if codes.count(c) > 1})
        if twice:
            raise ValueError(f"stations: {', '.join(twice)} given more than once; every code may be given only once")
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"last_day ({self.last_day}) lies before first_day ({self.first_day})")
        held_out = self.training_set.held_out_stations
        unknown = [code for code in held_out if code not in codes]
        if unknown or len(set(held_out)) == len(codes):
            what = f"{', '.join(unknown)} are not among the stations" if unknown else "no station is left to train on"
            raise ValueError(f"training_set.held_out_stations: {what}")
        self._check_champion()
        represented = [candidate.representation for candidate in self.candidate_names]
        if self.cluster_count.representation not in (None, *represented):
            raise ValueError(
                f"cluster_count.representation ({self.cluster_count.representation}) is not among the representations "
                f"of candidates ({', '.join(dict.fromkeys(represented))})"
            )
        if self.stability.candidate not in (None, *self.candidates):
            raise ValueError(
                f"stability.candidate ({self.stability.candidate}) is not among candidates "
                f"({', '.join(self.candidates)}); choose one of them, or add it there"
            )
        of_dec = self.stability.candidate in (None, str(AEC_DEC))
        if of_dec and self.stability.vary == "autoencoder" and self.dec.initialisation == "given":
            raise ValueError(
                "stability.vary is autoencoder, but dec.initialisation is given: centroids belong to the latents of "
                "one autoencoder; set stability.vary to clusters, or dec.initialisation to gmm, kmeans or random"
            )
        if self.novelty.score == "reconstruction" and not self.labelling.reconstruction_error:
            raise ValueError(
                "novelty.score is reconstruction, but labelling.reconstruction_error is switched off; switch it on, or "
                "use the score distance or probability"
            )
        check_bounds(
            self.profile,
            self.conditioning,
            self.response,
            self.detector,
            self.spectrogram,
            self.context,
            self.aec.time_shift,
        )
        if isinstance(self.source, SyntheticSettings):
            self.source.check(
                self.channels, self.stations, self.first_day, self.last_day, self.conditioning.sampling_rate
            )
        return self

    def _check_champion(self) -> None:
        """Raise `ValueError` unless a candidate can be champion, with its K and the score of novelty."""
        named = self.champion.candidate
        if named is not None and named not in (*self.candidates, str(self.class_model_name)):
            raise ValueError(
                f"champion.candidate ({named}) is not among candidates ({', '.join(self.candidates)}); choose one of "
                "them, or add it there"
            )
        possible = (CandidateName.of(named),) if named in self.candidates else self.labelling_candidates
        if not possible:
            raise ValueError(
                f"candidates: {', '.join(self.candidates)}: their clusters are too many to label; add another "
                f"candidate, for example {AEC_DEC}"
            )
        counts = sorted({k for name in possible for k in self.counts_of(name)})
        if self.champion.k is not None and self.champion.k not in counts:
            of = ", ".join(map(str, possible))
            raise ValueError(f"champion.k ({self.champion.k}) is not among the K of {of}: {counts}")
        for name in possible:
            self.require_reconstruction(name, self.novelty, self.dec)

    @property
    def champion_candidate(self) -> CandidateName | None:
        """Candidate that labels without reviews: the one that is named, or the only one; none: the best ranked one."""
        if self.champion.candidate not in (None, str(self.class_model_name)):
            return CandidateName.of(str(self.champion.candidate))
        return self.labelling_candidates[0] if len(self.labelling_candidates) == 1 else None

    @model_validator(mode="after")
    def _environment_fits(self) -> Settings:
        check_series(self.environment, self.stations, isinstance(self.source, SyntheticSettings))
        check_panels(self.environment_figures, self.environment, self.stations)
        return self

    @model_validator(mode="after")
    def _attributes_fit(self) -> Settings:
        if not self.imported:
            self.check_windows(self.spectrogram.window, self.context.half_length)
        return self

    def doubts(self) -> tuple[str, ...]:
        """Return in words what can be used but is rarely wanted: `ris_core.config.bounds`, unused names."""
        sizes = bounds_doubts(self.profile, self.conditioning, self.detector, self.spectrogram, self.context)
        # A preset names windows of attributes for those networks that have them.
        of_preset = preset_values(self.preset).get("representations", {}) if self.preset is not None else {}
        return (*sizes, *self.unused(of_preset))

    def station(self, code: str) -> StationSettings:
        """Return a station by its code; raises `KeyError` naming the known ones."""
        for station in self.stations:
            if station.code == code:
                return station
        raise KeyError(f"station {code} is not in the settings; known: {', '.join(s.code for s in self.stations)}")

    @property
    def channel(self) -> str:
        """Channel of detections, which names events and files; of a vector sum the vertical."""
        return self.components.detection_channel(self.channels)

    def of_channel(self, code: str) -> Settings:
        """Return these settings with one of their channels alone; raises `KeyError` naming the known ones."""
        if code not in self.channels:
            raise KeyError(f"channel {code} is not in the settings; known: {', '.join(self.channels)}")
        return self.model_copy(update={"channels": (code,), "components": ComponentsSettings()})

    def seed_id(self, station: str) -> SeedId:
        """Return the identifier of a station's channel of detections."""
        return SeedId(self.network.code, station, self.location, self.channel)

    def seed_ids(self, station: str) -> tuple[SeedId, ...]:
        """Return the identifiers of all channels of a station, in the settings' order."""
        return tuple(SeedId(self.network.code, station, self.location, code) for code in self.channels)

    def input_spec(self) -> InputSpec:
        """Return what these settings make of an event for the networks."""
        return input_spec(self.channels, self.conditioning, self.spectrogram)

    def processing_json(self) -> str:
        """Return the sections that make detections and spectrograms as canonical JSON."""
        sections = {"conditioning", "response", "detector", "spectrogram", "context"}
        if len(self.channels) > 1:
            sections |= {"channels", "components"}
        said = self.model_dump(mode="json", include=sections)
        if (plugin := DETECTORS.plugin(self.detector.method)) is not None:
            said["detector_plugin"] = str(plugin)
        return json.dumps(said, sort_keys=True)

    def station_days(self, until: date | None = None) -> Iterator[StationDay]:
        """Iterate over all station-days that are over, station by station; `until` is the first day that is not."""
        days = self.days(until)
        for station in self.stations:
            for day in days:
                yield StationDay(station.code, day)

    def days(self, today: date | None = None) -> list[date]:
        """Return all days that are over: first to last day, or to yesterday (UTC) if there is no last day."""
        yesterday = (today or datetime.now(UTC).date()) - timedelta(days=1)
        last = min(self.last_day, yesterday) if self.last_day else yesterday
        return [self.first_day + timedelta(days=n) for n in range((last - self.first_day).days + 1)]

    @property
    def imported(self) -> bool:
        """Whether station-days are imported from a published file instead of made here from waveforms."""
        return isinstance(self.source, PublishedSettings)

    def acquire_digest(self) -> str:
        """Return the digest of the settings that influence the raw waveforms."""
        if self.imported:
            return self.process_digest()
        source = self.source.model_dump(mode="json")
        if isinstance(self.source, SdsSettings | FdsnSettings):
            # The path of samples does not change them.
            source = {"kind": self.source.kind}
        if isinstance(self.source, SdsSettings) and self.source.pattern != "SDS":
            source["pattern"] = self.source.pattern
        # Several stations record a synthetic source, so every station's position influences all waveforms.
        where = [s.model_dump(mode="json") for s in self.stations] if source["kind"] == "synthetic" else []
        return digest_of([source, where, self._recorded_channels(), self.location, self.conditioning.padding])

    def _recorded_channels(self) -> object:
        """Return what of the channels decides about the raw waveforms and whether a station-day counts as recorded."""
        if len(self.channels) == 1:
            return self.channel
        by_sum = self.components.detect_on == "vector_sum"
        return {"channels": list(self.channels), "detection": "vector_sum" if by_sum else self.channel}

    def aec_digest(self) -> str:
        """Return the digest of the settings that influence a trial's weights, besides batch size and learning rate."""
        return digest_of([self.normalisation.model_dump(mode="json"), self.aec.training_values()])

    def initial_clusters_digest(self) -> str:
        """Return the digest of the settings that influence initial clusters."""
        return digest_of(self.dec.initialisation_values())

    def dec_digest(self) -> str:
        """Return the digest of the settings that influence the weights of a DEC, given its initial clusters."""
        return digest_of(self.dec.training_values())

    @property
    def criteria_representation(self) -> str:
        """Name of the representation whose features the criteria for the number of clusters are computed from."""
        if self.cluster_count.representation is not None:
            return self.cluster_count.representation
        if self.has_autoencoder:
            return AEC_DEC.representation
        return self.candidate_names[0].representation

    @property
    def class_representations(self) -> tuple[str, ...]:
        """Names of the representations whose features the class model is given."""
        if self.class_model.representations is not None:
            return self.class_model.representations
        names = [candidate.representation for candidate in self.candidate_names]
        return ("attributes",) if "attributes" in names else (names[0],)

    @property
    def class_model_name(self) -> CandidateName:
        """Name of the class model among the models that label, like ``attributes/reviewed``."""
        return CandidateName(self.class_representations[0], REVIEWED)

    def criteria_digest(self) -> str:
        """Return the digest of the settings that influence the criteria for the number of clusters."""
        values, name = self.cluster_count.criteria_values(), self.criteria_representation
        # Earlier versions had no other representation.
        return digest_of(values if name == AEC_DEC.representation else [values, name])

    def champion_digest(self) -> str:
        """Return the digest of the settings that influence the choice of the champion and its novelty."""
        name = self.champion_candidate
        choice = self.champion.choice_values(None if name is None else str(name))
        return digest_of([choice, self.novelty.model_dump(mode="json"), self.labelling.reconstruction_error])

    def process_digest(self) -> str:
        """Return the digest of the settings that influence detections and spectrograms."""
        if self.imported:
            # Imported spectrograms do not change, and the import checks their axes; event ids depend on settings.
            return digest_of([self.source.kind, self.network.code, self.channel, self.location])
        parts = [self.conditioning, self.response, self.detector, self.spectrogram]
        # Products of earlier versions know neither context nor several channels.
        if self.context != ContextSettings():
            parts.append(self.context)
        values: list[object] = [p.model_dump(mode="json") for p in parts]
        if len(self.channels) > 1:
            values += [self._recorded_channels(), self.components.missing]
        if (plugin := DETECTORS.plugin(self.detector.method)) is not None:
            # Another version of a plug-in may find other events with the same settings.
            values.append(str(plugin))
        return digest_of(values)

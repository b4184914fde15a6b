"""Settings: the candidates that are trained, and what the names of their representations and clusterers mean."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializeAsAny, field_validator, model_validator

from ris_core.config.after_training import NoveltySettings, require_decoder_for_novelty
from ris_core.config.learning import DecSettings
from ris_core.config.methods import CLUSTERERS, REPRESENTATIONS, ClustererSettings
from ris_core.contracts.candidate_name import AEC_DEC, REVIEWED, CandidateName, check_name
from ris_core.registry import Registry
from ris_core.section import Section, digest_of


def _named(registry: Registry[Section]) -> BeforeValidator:
    """Return what checks names, and gives an entry without a kind that of its name."""

    def complete(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: _completed(registry, name, entry) for name, entry in value.items()}

    return BeforeValidator(complete)


def _completed(registry: Registry[Section], name: Any, entry: Any) -> Any:
    check_name(registry.family, str(name))
    if not isinstance(entry, Mapping):
        return entry
    if name not in registry.kinds:
        return entry
    kind = entry.get(registry.key, name)
    if kind != name:
        raise ValueError(f"{name}: this is the name of another {registry.family} than {kind!r}; choose another name")
    return {registry.key: name, **entry}


class CandidatesSettings(Section):
    """Which models are trained: representations of the events with clusterers."""

    candidates: tuple[str, ...] = Field(
        (str(AEC_DEC),),
        description="Candidates for the model that labels, REPRESENTATION/CLUSTERER, each trained for every K of its "
        "clusterer, by default dec.k (J21: aec/dec). Both are kinds, or names of the sections `representations` and "
        "`clusterers`.",
    )
    representations: Annotated[
        dict[str, Annotated[SerializeAsAny[Section], BeforeValidator(REPRESENTATIONS.parse)]], _named(REPRESENTATIONS)
    ] = Field(
        default_factory=dict,
        description="Representations by name, each with its `kind` and the settings of that kind. A kind that is not "
        "named here has its defaults. The settings of kind aec are the section `aec`.",
    )
    clusterers: Annotated[
        dict[str, Annotated[SerializeAsAny[Section], BeforeValidator(CLUSTERERS.parse)]], _named(CLUSTERERS)
    ] = Field(
        default_factory=dict,
        description="Clusterers by name, as for representations. The settings of dec are the section `dec`.",
    )
    dec: DecSettings = DecSettings()

    @field_validator("candidates")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError(f"name a candidate or more, for example [{AEC_DEC}]")
        for text in value:
            CandidateName.of(text)
        twice = sorted({text for text in value if value.count(text) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is given more than once; every candidate may be given only once")
        return value

    @model_validator(mode="after")
    def _known(self) -> CandidatesSettings:
        if AEC_DEC.clusterer in self.clusterers:
            raise ValueError(f"clusterers.{AEC_DEC.clusterer}: its settings are the section dec; give them there")
        if REVIEWED in self.clusterers:
            raise ValueError(f"clusterers.{REVIEWED}: its settings are the section class_model; give them there")
        for name, section in self.representations.items():
            if REPRESENTATIONS.kind_of(section) == AEC_DEC.representation != name:
                raise ValueError(
                    f"representations.{name}: there is one chosen autoencoder, which is named aec; name a candidate "
                    "aec/CLUSTERER"
                )
        for candidate in self.candidate_names:
            if candidate.clusterer == REVIEWED:
                raise ValueError(
                    f"candidates: {candidate}: the class model is trained on reviewed events, not for every K of "
                    "dec.k; leave it out here, its settings are the section class_model"
                )
            _require(REPRESENTATIONS, self.representations, candidate.representation, candidate, ())
            _require(CLUSTERERS, self.clusterers, candidate.clusterer, candidate, (AEC_DEC.clusterer,))
            if candidate.clusterer == AEC_DEC.clusterer and candidate != AEC_DEC:
                raise ValueError(
                    f"candidates: {candidate}: dec trains the autoencoder with its clusters, so it goes with aec alone "
                    f"({AEC_DEC}); give {candidate.representation} another clusterer: {', '.join(CLUSTERERS.kinds)}"
                )
        return self

    @property
    def candidate_names(self) -> tuple[CandidateName, ...]:
        """The candidates in their order."""
        return tuple(CandidateName.of(text) for text in self.candidates)

    @property
    def has_autoencoder(self) -> bool:
        """Whether a candidate has the autoencoder as its representation."""
        return any(candidate.representation == AEC_DEC.representation for candidate in self.candidate_names)

    @property
    def has_dec(self) -> bool:
        """Whether deep embedded clustering is a candidate."""
        return AEC_DEC in self.candidate_names

    @property
    def fitted_representations(self) -> tuple[str, ...]:
        """Names of the candidates' representations other than the autoencoder, in the order of the candidates."""
        names = dict.fromkeys(candidate.representation for candidate in self.candidate_names)
        return tuple(name for name in names if name != AEC_DEC.representation)

    def unused(self) -> tuple[str, ...]:
        """Return in words which names of the sections `representations` and `clusterers` no candidate has."""
        used = {"representations": {c.representation for c in self.candidate_names}}
        used["clusterers"] = {c.clusterer for c in self.candidate_names}
        return tuple(
            f"{section}.{name} is in no candidate, so it has no effect; name it in candidates, or remove it"
            for section, names in used.items()
            for name in getattr(self, section)
            if name not in names
        )

    def representation_of(self, name: str) -> Section:
        """Return the section of a representation by its name."""
        return self.representations.get(name) or REPRESENTATIONS.settings_of(name)()

    def clusterer_of(self, name: str) -> Section:
        """Return the section of a clusterer by its name."""
        return self.clusterers.get(name) or CLUSTERERS.settings_of(name)()

    def counts_of(self, candidate: CandidateName | str) -> tuple[int, ...]:
        """Return the numbers of clusters that a candidate is trained for: those of its clusterer, else `dec.k`."""
        clusterer = CandidateName.of(str(candidate)).clusterer
        own = None if clusterer == AEC_DEC.clusterer else getattr(self.clusterer_of(clusterer), "k", None)
        return self.dec.k if own is None else tuple(own)

    @property
    def all_counts(self) -> tuple[int, ...]:
        """The numbers of clusters of all candidates, and those of `dec.k`, ascending."""
        return tuple(sorted({*self.dec.k, *(k for name in self.candidate_names for k in self.counts_of(name))}))

    def k_criterion_of(self, candidate: CandidateName | str) -> str:
        """Return the metric by which one K of a candidate is better than another; more is better.

        The section of a clusterer that has its own says ``k_criterion: ClassVar[str] = ...``; the others have the
        silhouette in data space.
        """
        clusterer = CandidateName.of(str(candidate)).clusterer
        own = None if clusterer == AEC_DEC.clusterer else getattr(self.clusterer_of(clusterer), "k_criterion", None)
        return "silhouette" if own is None else str(own)

    def over_clusters(self, candidate: CandidateName | str) -> bool:
        """Return whether the clusters of a candidate are too many to label: they only show what there is to review."""
        clusterer = CandidateName.of(str(candidate)).clusterer
        return clusterer != AEC_DEC.clusterer and bool(getattr(self.clusterer_of(clusterer), "over_clusters", False))

    @property
    def labelling_candidates(self) -> tuple[CandidateName, ...]:
        """The candidates that may label, in their order: all but those of too many clusters (`over_clusters`)."""
        return tuple(name for name in self.candidate_names if not self.over_clusters(name))

    @property
    def has_ranking(self) -> bool:
        """Whether there are several candidates that may label, which are ranked."""
        return len(self.labelling_candidates) > 1

    def reconstructs(self, name: str) -> bool:
        """Return whether a representation may have a reconstruction error.

        The section of one that has none says ``reconstructs: ClassVar[bool] = False``.
        """
        return bool(getattr(self.representation_of(name), "reconstructs", True))

    def require_reconstruction(self, candidate: CandidateName, novelty: NoveltySettings, dec: DecSettings) -> None:
        """Raise `ValueError` if novelty is the reconstruction error, but the models of a candidate have none."""
        if candidate == AEC_DEC:
            require_decoder_for_novelty(novelty, dec)
        elif novelty.score == "reconstruction" and not self.reconstructs(candidate.representation):
            raise ValueError(
                f"novelty.score is reconstruction, but the representation {candidate.representation} of {candidate} "
                "has no decoder; set novelty.score to distance or probability"
            )

    def candidate_digest(self, candidate: CandidateName, dec: DecSettings) -> str:
        """Return the digest of the settings that influence the model of a candidate, given its representation and K.

        Parameters
        ----------
        candidate
            Its name.
        dec
            Section `dec`, of which other candidates than `aec/dec` have the seed.
        """
        if candidate == AEC_DEC:
            return digest_of(dec.training_values())
        return digest_of([self.clusterer_digest(candidate.clusterer), dec.seed])

    def representation_digest(self, name: str) -> str:
        """Return the digest of the settings that influence what a representation is fitted to be."""
        return _digest(REPRESENTATIONS, self.representation_of(name))

    def clusterer_digest(self, name: str, absent: tuple[str, ...] = ()) -> str:
        """Return the digest of the settings that influence the clusters of a clusterer, given features and K.

        Parameters
        ----------
        name
            Of the clusterer.
        absent
            What is left out because its package is not installed (`absent_of`).
        """
        whole = _digest(CLUSTERERS, self.clusterer_of(name), without={"k"})
        return digest_of([whole, *absent]) if absent else whole

    def absent_of(self, name: str) -> tuple[str, ...]:
        """Return what a clusterer leaves out because its package is not installed here."""
        section = self.clusterer_of(name)
        return section.absent if isinstance(section, ClustererSettings) else ()


def _require(
    registry: Registry[Section],
    named: Mapping[str, Section],
    name: str,
    candidate: CandidateName,
    others: tuple[str, ...],
) -> None:
    known = [*registry.kinds, *others, *(own for own in named if own not in registry.kinds)]
    if name not in known:
        raise ValueError(
            f"candidates: {candidate}: there is no {registry.family} {name!r}; known are {', '.join(known)}; others "
            f"are named in the section {registry.family}s, or come with a plug-in"
        )


def _digest(registry: Registry[Section], section: Section, without: AbstractSet[str] = frozenset()) -> str:
    plugin = registry.plugin(registry.kind_of(section))
    # Another version of a plug-in may give something else with the same settings.
    return digest_of([section.model_dump(mode="json", exclude=set(without)), None if plugin is None else str(plugin)])

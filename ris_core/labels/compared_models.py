"""Models that can be compared: champions past and present, what stands beside one, and candidates on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ris_core.clustering.champion import Champion, champion_or_none
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.models.model_file import CLASSES, JSON_FILE, ModelDescription, WeightsError, read_description
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

_RANKING = "candidates.parquet"  # as ris_core.clustering.ranking_file calls it, which needs scikit-learn
Role = Literal["champion", "beside", "former", "candidate"]


@dataclass(frozen=True)
class ComparedModel:
    """A model with clusters on disk.

    Attributes
    ----------
    name
        Unique among the models: candidate, K and digest, like ``spectra-gmm-k6-0123456789ab``.
    candidate, k, digest
        Representation and clusterer, number of clusters, digest of the model.
    folder
        Where it is.
    role
        ``champion``: it labels now; ``beside``: it stands beside the class model that labels; ``former``: it was one of
        the two; ``candidate``: neither.
    numbers
        Class number of each cluster; none if it has never been champion or beside one.
    reviewed
        Whether it is a class model.
    said
        What its file says of it.
    ranking
        Its row of the ranking, by column; empty if it is not ranked.
    """

    name: str
    candidate: str
    k: int
    digest: str
    folder: Path
    role: Role
    numbers: tuple[int, ...] | None
    reviewed: bool
    said: ModelDescription = field(repr=False)
    ranking: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The scores of its training, by name."""
        found = self.said.metadata.get("metrics", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def run_id(self) -> str:
        """The MLflow run that trained it; empty if there is none."""
        return str(self.said.metadata.get("mlflow_run_id", ""))


def compared_models(layout: Layout, settings: Settings) -> tuple[tuple[ComparedModel, ...], dict[str, str]]:
    """Return the models that can be compared, the champion first, and why others are left out, by place.

    A candidate that is or was champion is there once, as champion. Damaged models are left out.

    Raises
    ------
    DamagedFileError
        The champion's record, or the ranking, is damaged.
    """
    champion = champion_or_none(layout)
    found: dict[str, ComparedModel] = {}
    left_out: dict[str, str] = {}
    for folder, role in _folders(layout, settings, champion):
        try:
            model = _model(folder, role, champion)
        except (WeightsError, DamagedFileError) as error:
            left_out[layout.relative(folder)] = str(error)
            continue
        found.setdefault(model.name, model)
    ranking = _ranking(layout)
    models = [
        replace(model, ranking=ranking.get((model.candidate, model.k, model.digest), {})) for model in found.values()
    ]
    order = ("champion", "beside", "former", "candidate")
    models.sort(
        key=lambda model: (order.index(model.role), model.ranking.get("rank", 1 << 30), model.candidate, model.k)
    )
    return tuple(models), left_out


def _folders(layout: Layout, settings: Settings, champion: Champion | None) -> Iterator[tuple[Path, Role]]:
    """Yield the folders of models with their roles, those of champions first."""
    beside = None if champion is None else champion.companion
    for path in sorted(layout.champion_model("").glob(f"*/{JSON_FILE}")):
        version = path.parent.name
        if champion is not None and version == champion.model_version:
            yield path.parent, "champion"
        elif beside is not None and version == beside.model_version:
            yield path.parent, "beside"
        else:
            yield path.parent, "former"
    for name in (*settings.labelling_candidates, settings.class_model_name):
        for path in sorted(layout.candidate(name, 1).parent.glob(f"k=*/{JSON_FILE}")):
            yield path.parent, "candidate"


def _model(folder: Path, role: Role, champion: Champion | None) -> ComparedModel:
    said = read_description(folder)
    if said.n_clusters is None:
        raise WeightsError(f"{folder}: it has no clusters")
    of_champions = {} if champion is None or role == "candidate" else champion.classes_of
    candidate = str(said.metadata.get("candidate", AEC_DEC))
    return ComparedModel(
        name=f"{candidate.replace('/', '-')}-k{said.n_clusters}-{said.digest}",
        candidate=candidate,
        k=said.n_clusters,
        digest=said.digest,
        folder=folder,
        role=role,
        numbers=of_champions.get(folder.name),
        reviewed=said.network == CLASSES,
        said=said,
    )


def _ranking(layout: Layout) -> dict[tuple[str, int, str], dict[str, Any]]:
    path = layout.analysis(_RANKING)
    if not path.exists():
        return {}
    rows = tables.read_table(path).to_dict("records")
    return {
        (row["candidate"], int(row["k"]), row["model"]): {str(key): value for key, value in row.items()} for row in rows
    }

"""Which model becomes champion: one of a K, a version in MLflow's registry, or an imported one."""

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from ris_core.config import Settings
from ris_core.contracts.candidate_name import CandidateName
from ris_core.storage.layout import Layout
from ris_dagster.resources.registry import registered_name
from ris_dagster.resources.tracking import Tracking
from ris_dagster.tracked_asset import tracked_asset

if TYPE_CHECKING:
    from ris_core.clustering.candidates import Candidate
    from ris_core.labels.appointment import Appointment


class ChampionChoice(dg.Config):
    """Which model labels; at most one of `k`, `mlflow_version` and `imported`."""

    candidate: str | None = Field(
        None,
        description="Candidate of the champion, alone or with k or mlflow_version; none: champion.candidate of the "
        "settings, without it an accepted class model, else the best ranked one. Allowed: those of the settings, the "
        "class model (attributes/reviewed), and with mlflow_version others that were registered.",
    )
    k: int | None = Field(
        None,
        description="K of the champion; none: as the settings say for their candidate, else by the ranking or by the "
        "candidate's criterion. Allowed: each K that the candidate was trained for.",
    )
    mlflow_version: int | None = Field(
        None,
        description="A version of the registered model: NETWORK-dec for aec/dec, NETWORK-REPRESENTATION-CLUSTERER for "
        "other candidates. Allowed: the versions that MLflow shows.",
    )
    imported: str | None = Field(None, description="Name of an imported model with clusters.")


def prepare_choice(
    context: dg.AssetExecutionContext, choice: ChampionChoice, settings: Settings, layout: Layout, tracking: Tracking
) -> "Appointment":
    """Find the model that is asked for and put its files in place; the current champion stays as it is.

    Raises
    ------
    ValueError
        Two are asked for at once, or what is asked for is not there; names what is.
    NoAcceptedModelError
        It may not label; gives the reasons.
    """
    from ris_core.clustering.candidates import UnknownCandidateError, candidate_of_k
    from ris_core.labels.appointment import prepare
    from ris_core.review.class_candidate import accepted_class_model, candidate_of_reviews

    named = {name: value for name, value in choice.model_dump(exclude={"candidate"}).items() if value is not None}
    if choice.imported is not None and choice.candidate is not None:
        named["candidate"] = choice.candidate
    if len(named) > 1:
        asked = ", ".join(f"{name} = {value}" for name, value in named.items())
        raise ValueError(f"{asked}: only one model can be champion; give one of k, mlflow_version and imported")
    if choice.imported is not None:
        return _imported(context, choice.imported, settings, layout, tracking)
    wanted = choice.candidate or settings.champion.candidate
    if choice.mlflow_version is not None:
        name = CandidateName.of(wanted) if wanted else settings.champion_candidate
        if name is None:
            raise ValueError(f"mlflow_version = {choice.mlflow_version}: give candidate too; the settings name none")
        candidate = _of_version(context, name, choice.mlflow_version, settings, layout, tracking)
    elif wanted == str(settings.class_model_name):
        if choice.k is not None:
            raise ValueError(f"k = {choice.k}: the classes of {wanted} are those of the reviews; leave k out")
        candidate = candidate_of_reviews(layout, settings)
    elif wanted is None:
        found = accepted_class_model(layout, settings, context.log.warning) if choice.k is None else None
        candidate = _unsupervised(settings, layout, choice.k) if found is None else found
    else:
        name = CandidateName.of(wanted)
        if name not in settings.candidate_names:
            there = ", ".join([*settings.candidates, str(settings.class_model_name)])
            raise UnknownCandidateError(f"candidate = {name}: this is none of the candidates of the settings ({there})")
        # A K of the settings is meant for their candidate.
        k = settings.champion.k if name == settings.champion_candidate and choice.k is None else choice.k
        candidate = candidate_of_k(layout, name, k, settings, settings.normalisation)
    return prepare(layout, candidate, settings, _beside(candidate, settings, layout))


def _unsupervised(settings: Settings, layout: Layout, k: int | None = None) -> "Candidate":
    """Return the model without reviews that the settings choose: of the named or only candidate, or the best ranked.

    A given K stands above that of the settings.

    Raises
    ------
    OutOfStepError
        The candidates have not been ranked, or there are other models now.
    NoAcceptedModelError
        None may label; gives the reasons.
    """
    from ris_core.clustering.candidates import candidate_of_k
    from ris_core.clustering.ranking_file import best_ranked

    name = settings.champion_candidate
    if name is not None:
        return candidate_of_k(layout, name, k or settings.champion.k, settings, settings.normalisation)
    name, k, why = best_ranked(layout, settings, k)
    found = candidate_of_k(layout, name, k, settings, settings.normalisation)
    return replace(found, origin=f"{found.origin}: {why}")


def _beside(candidate: "Candidate", settings: Settings, layout: Layout) -> "Candidate | None":
    """Return the model without reviews that may stand beside a class model; none if no such model is accepted."""
    from ris_core.clustering.latents import OutOfStepError
    from ris_core.training.acceptance import NoAcceptedModelError

    if candidate.model.classes is None:
        return None
    with suppress(NoAcceptedModelError, OutOfStepError, FileNotFoundError):
        return _unsupervised(settings, layout)
    return None


def _of_version(
    context: dg.AssetExecutionContext,
    candidate: CandidateName,
    version: int,
    settings: Settings,
    layout: Layout,
    tracking: Tracking,
) -> "Candidate":
    """Return the model of a registered version: from the data root, else from MLflow's artifacts."""
    from ris_core.clustering.candidates import UnknownCandidateError, candidate_of_folder, folder_of_run
    from ris_core.models.model_file import JSON_FILE

    name = registered_name(settings, candidate)
    known = {found.version: found for found in tracking.model_versions(name)}
    if str(version) not in known:
        there = ", ".join(sorted(known, key=int)) or "none"
        raise UnknownCandidateError(
            f"mlflow_version = {version}: {name} has no such version in MLflow at {tracking.uri} (there are: {there})"
        )
    run_id = known[str(version)].run_id
    origin = f"{name} version {version}"
    folder = folder_of_run(layout, run_id, {candidate: _counts(layout, settings, candidate)}) if run_id else None
    if folder is not None:
        return candidate_of_folder(folder, origin)
    context.log.info(f"{origin} is no longer in {layout.root}; it is fetched from MLflow")
    with tempfile.TemporaryDirectory() as temporary:
        files = tracking.download_version(name, str(version), Path(temporary))
        found = sorted(path.parent for path in files.rglob(JSON_FILE))
        if not found:
            raise UnknownCandidateError(f"{origin}: MLflow holds no {JSON_FILE} of it; train the model again")
        return candidate_of_folder(found[0], origin)


def _counts(layout: Layout, settings: Settings, candidate: CandidateName) -> tuple[int, ...]:
    """Return the K that models of a candidate may have; of the class model the number of classes that it has now."""
    from ris_core.clustering.reviewed.class_model_reading import class_model_folder

    if candidate != settings.class_model_name:
        return settings.counts_of(candidate)
    folder = class_model_folder(layout, candidate)
    return () if folder is None else (int(folder.name.removeprefix("k=")),)


def _imported(
    context: dg.AssetExecutionContext, name: str, settings: Settings, layout: Layout, tracking: Tracking
) -> "Appointment":
    """Prepare an imported model, with an MLflow run of its own to be compared with those that were trained here."""
    from ris_core.clustering.candidates import candidate_of_imported
    from ris_core.labels.appointment import prepare
    from ris_core.labels.champion_run import prepare_imported
    from ris_core.models.model_file import WeightsError, read_description
    from ris_core.section import digest_of
    from ris_core.storage.damage import DamagedFileError
    from ris_core.training.training_set import digest_on_disk

    candidate = candidate_of_imported(layout, name)
    kept = layout.champion_model(candidate.model.version)
    run_id = ""
    # A damaged copy is made again, with a run of its own.
    with suppress(WeightsError, DamagedFileError):
        run_id = read_description(kept).metadata["mlflow_run_id"]
    # It was champion before and has its run; a run that was killed goes on.
    if run_id and tracking.has_finished(run_id):
        return prepare(layout, candidate.of_run(run_id), settings)
    made = tracked_asset(
        context,
        tracking,
        lambda log: prepare_imported(layout, name, candidate, settings, log),
        name=f"imported {name}",
        configuration=digest_of(["imported", candidate.model.digest, digest_on_disk(layout, settings.normalisation)]),
    )
    return made.result

"""What the file of the class model says, without building the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.reviewed_classes import ReviewedClasses, renames_of
from ris_core.models.model_file import JSON_FILE, ModelDescription, read_description
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.layout import Layout

CLASS_MODEL_AGAIN = "train the class model again, or let `ris run` do it"
FOLDER = re.compile(r"k=([1-9][0-9]*)")


class NoClassModelError(FileNotFoundError):
    """No class model has been trained yet."""


def class_model_folder(layout: Layout, name: CandidateName) -> Path | None:
    """Return the folder of the class model of a name; none if there is none.

    Of several, which only a killed training leaves behind, it is the one that was written last.
    """
    above = layout.candidate(name, 1).parent
    found = [folder for folder in above.glob("k=*") if FOLDER.fullmatch(folder.name) and (folder / JSON_FILE).exists()]
    return max(found, key=lambda folder: ((folder / JSON_FILE).stat().st_mtime_ns, folder.name), default=None)


def existing_class_model(layout: Layout, name: CandidateName) -> Path:
    """Return the folder of the class model of a name; raises `NoClassModelError` if there is none."""
    folder = class_model_folder(layout, name)
    if folder is None:
        where = layout.candidate(name, 1).parent
        raise NoClassModelError(f"{where}: no class model has been trained yet; review events, then train it")
    return folder


def describe_class_model(layout: Layout, name: CandidateName) -> tuple[ModelDescription, ReviewedClasses]:
    """Return what is said of the class model, and its classes with the reviews that it was trained on.

    Raises
    ------
    NoClassModelError
        It has not been trained.
    DamagedFileError
        The description is damaged, or is of another model.
    """
    folder = existing_class_model(layout, name)
    description = read_description(folder, CLASS_MODEL_AGAIN)
    with damage_named(folder / JSON_FILE, CLASS_MODEL_AGAIN):
        if description.spec["name"] != str(name):
            raise DamagedFileError(
                folder / JSON_FILE, f"it is of the candidate {description.spec['name']}", CLASS_MODEL_AGAIN
            )
        return description, classes_of_spec(description.spec)


def classes_of_spec(spec: Mapping[str, Any]) -> ReviewedClasses:
    """Return the classes of a class model by the `spec` of its file; raises `KeyError`, `TypeError` or `ValueError`."""
    return ReviewedClasses(
        names=tuple(str(name) for name in spec["classes"]["names"]),
        reviewed={str(event): str(name) for event, name in spec["reviewed"].items()},
        renames=renames_of(spec["renames"]),
        simulated=bool(spec["simulated"]),
    )

"""Whether station-days follow what they are made from; a change of the settings alone is none of the reasons to go on.

`ris_core.stages.is_current` says whether a product is what would be made now. Here it is asked what should be made
without anyone's asking: where the waveforms, the spectrograms or the champion are others than those it was made from.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ris_core.clustering.champion import label_digest, read_champion
from ris_core.contracts.station_day import StationDay
from ris_core.stages import is_current, is_left_out
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.store import Stage, Store


def is_made_from_now(stage: Stage, store: Store, key: StationDay) -> bool:
    """Return whether what a stage makes of a station-day stands and was made from the input of now.

    Parameters
    ----------
    stage
        ``process`` or ``label``.
    store, key
        Where to look.
    """
    try:
        if stage == "label":
            stamp = tables.read_stamp(store.labels(key))[0]
            return stamp is not None and stamp.inputs == spectrogram_file.read_info(store.spectrograms(key)).content
        from ris_core.processing.process import expected_stamp

        wanted = expected_stamp(store, key).inputs
        detections = tables.read_stamp(store.detections(key))[0]
        spectrograms = spectrogram_file.read_info(store.spectrograms(key)).stamp
        return all(stamp is not None and stamp.inputs == wanted for stamp in (detections, spectrograms))
    except OSError:  # there is none, or it is damaged
        return False


def is_ready(stage: Stage, store: Store, key: StationDay) -> bool:
    """Return whether a stage can be run for a station-day, and there is something for it to do."""
    if stage == "label":
        return store.champion.exists() and not is_left_out(stage, store, key) and is_current("process", store, key)
    return stage == "acquire" or store.acquisition(key).exists()


def changed_at(*paths: Path) -> datetime:
    """Return when the youngest of some files was written; long ago if there is none."""
    changed = 0.0
    for path in paths:
        with suppress(FileNotFoundError):
            changed = max(changed, path.stat().st_mtime)
    return datetime.fromtimestamp(changed, UTC)


def input_changed_at(stage: Stage, store: Store, key: StationDay) -> datetime:
    """Return when that which a stage makes a station-day from was written last; long ago if it is not there."""
    return changed_at(store.spectrograms(key) if stage == "label" else store.acquisition(key))


def labelled_by(store: Store, key: StationDay) -> str | None:
    """Return the digest of what made a label table, besides its spectrograms; none if it cannot be read."""
    try:
        stamp = tables.read_stamp(store.labels(key))[0]
    except OSError:
        return None
    return stamp.settings if stamp is not None else None


def digests_of_champion(store: Store) -> set[str]:
    """Return the digests that label tables by the champion of now have, whatever else the settings say."""
    champion, settings = read_champion(store), store.settings.labelling
    return {
        label_digest(champion, settings.model_copy(update={"reconstruction_error": wanted})) for wanted in (True, False)
    }

"""The columns of the Parquet tables of a station-day: detections, live intervals and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from ris_core.config import PAPER_INPUT
from ris_core.contracts.attribute import Attribute
from ris_core.contracts.labelled import DEC_WORDS

_TIME = pa.timestamp("ns", tz="UTC")


def _acceleration_words(band: tuple[float, float]) -> str:
    return f"Signed peak ground acceleration, {band[0]:g}-{band[1]:g} Hz; NaN without a response"


DETECTION_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "NET.STA.LOC.CHAN.time of the peak (UTC)"}),
        pa.field("network", pa.string(), False, {"description": "FDSN network code"}),
        pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
        pa.field("location", pa.string(), False, {"description": "SEED location code"}),
        pa.field("channel", pa.string(), False, {"description": "SEED channel code"}),
        pa.field("time_on", _TIME, False, {"description": "Trigger on (UTC)"}),
        pa.field("time_off", _TIME, False, {"description": "Trigger off (UTC)"}),
        pa.field("time_peak", _TIME, False, {"description": "Greatest absolute amplitude of the trigger (UTC)"}),
        pa.field(
            "peak_counts",
            pa.float64(),
            False,
            {"description": "Signed amplitude of the conditioned counts at the peak", "unit": "counts"},
        ),
        pa.field(
            "peak_acceleration",
            pa.float64(),
            False,
            {"description": _acceleration_words(PAPER_INPUT.band), "unit": "m/s^2"},
        ),
        pa.field("acceleration_note", pa.string(), False, {"description": "Why there is no peak_acceleration"}),
        pa.field(
            "characteristic_max",
            pa.float64(),
            False,
            {"description": "Greatest value of the characteristic function, for STA/LTA the ratio"},
        ),
        pa.field("snr", pa.float64(), False, {"description": "Signal-to-noise ratio", "unit": "dB"}),
        pa.field("found_by", pa.string(), False, {"description": "Detector and its averages, STA/LTA"}),
        pa.field("sampling_rate", pa.float64(), False, {"description": "Rate after decimation", "unit": "Hz"}),
        pa.field("outcome", pa.string(), False, {"description": "'event', or why there is no spectrogram"}),
    ]
)


def detection_schema(channels: Sequence[str], band: tuple[float, float] = PAPER_INPUT.band) -> pa.Schema:
    """Return the schema of the detection tables of a network.

    Parameters
    ----------
    channels
        The network's channels. With several, three columns follow for each: ``peak_counts_HHN``,
        ``peak_acceleration_HHN`` and ``acceleration_note_HHN``.
    band
        Lowest and highest frequency of ``peak_acceleration``, Hz (section `response`).
    """
    of_band = {"description": _acceleration_words(band), "unit": "m/s^2"}
    fields = [f.with_metadata(of_band) if f.name == "peak_acceleration" else f for f in DETECTION_SCHEMA]
    for code in channels if len(channels) > 1 else ():
        fields += [
            pa.field(
                f"peak_counts_{code}",
                pa.float64(),
                False,
                {
                    "description": f"Signed peak of the counts of {code}; NaN if not recorded",
                    "unit": "counts",
                },
            ),
            pa.field(
                f"peak_acceleration_{code}",
                pa.float64(),
                False,
                {"description": f"Greatest ground acceleration of {code}, signed; NaN if unknown", "unit": "m/s^2"},
            ),
            pa.field(
                f"acceleration_note_{code}",
                pa.string(),
                False,
                {"description": f"Why there is no peak_acceleration_{code}"},
            ),
        ]
    return pa.schema(fields)


LIVE_SCHEMA = pa.schema(
    [
        pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
        pa.field("start", _TIME, False, {"description": "First instant at which a detection could start (UTC)"}),
        pa.field("end", _TIME, False, {"description": "End of the interval, the first instant after it (UTC)"}),
    ]
)


def _said(column: Attribute) -> dict[str, str]:
    said = {"unit": column.unit, "range": column.range, "source": column.source}
    return {name: text for name, text in said.items() if text}


def attribute_schema(columns: Sequence[Attribute]) -> pa.Schema:
    """Return the schema of a table of attributes: the event, and a column for each attribute with what it is."""
    return pa.schema(
        [
            pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
            pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
            pa.field("time_peak", _TIME, False, {"description": "Peak of the detection (UTC)"}),
            *(
                pa.field(
                    column.name,
                    pa.float32(),
                    False,
                    {"description": column.meaning, **_said(column)},
                )
                for column in columns
            ),
        ]
    )


def label_schema(k: int, latent_size: int = 9, said: Mapping[str, str] | None = None) -> pa.Schema:
    """Return the schema of a label table by a model of K clusters.

    Parameters
    ----------
    k, latent_size
        Numbers of clusters, and of features of the model's representation.
    said
        Descriptions of columns whose meaning depends on the model; by default those of DEC.

    Notes
    -----
    Probabilities are in the order of the model's clusters; ``classes`` of the file's summary (`read_summary`) has the
    class number of each cluster.
    """
    words = DEC_WORDS | dict(said or {})
    return pa.schema(
        [
            pa.field("event_id", pa.string(), False, {"description": "As in the detection table"}),
            pa.field("station", pa.string(), False, {"description": "FDSN station code"}),
            pa.field("time_peak", _TIME, False, {"description": "Peak of the detection (UTC)"}),
            pa.field(
                "label",
                pa.int32(),
                False,
                {"description": "Class number of the cluster of greatest membership; a new champion keeps it"},
            ),
            pa.field("probability", pa.float32(), False, {"description": words["probability"]}),
            pa.field(
                "probabilities",
                pa.list_(pa.float32(), k),
                False,
                {"description": "Memberships q of all K, in the order of the model's clusters (classes: see the file)"},
            ),
            pa.field("latent", pa.list_(pa.float32(), latent_size), False, {"description": "Latent vector"}),
            pa.field(
                "reconstruction_error",
                pa.float32(),
                True,
                {"description": words["reconstruction_error"]},
            ),
            pa.field(
                "novelty",
                pa.float32(),
                True,
                {"description": "By the champion's score; greater is more novel"},
            ),
            pa.field("assigned", pa.bool_(), True, {"description": "Whether the novelty is not above its threshold"}),
            pa.field("model_version", pa.string(), False, {"description": "Model that gave the label"}),
        ]
    )


CLASS_LABEL_COLUMNS = ("class_name", "conformal_set", "new", "reviewed", "unsupervised_label")
"""The columns that only label tables by class models have."""
_OF_CLASSES = {
    "label": "Class number: by the reviewer where the event was reviewed, else the most probable class of the model",
    "probabilities": "Such probabilities of all K classes, in the order of the model (classes: see the file)",
    "latent": "Features that the class model is given",
    "novelty": "How unlike all reviewed events it is, by the class model; greater is more novel",
    "assigned": "Whether the event was reviewed, or the conformal set holds one class and the event is not new",
}


def class_label_schema(k: int, features: int, probability_words: str) -> pa.Schema:
    """Return the schema of a label table by a class model of K classes.

    Parameters
    ----------
    k, features
        Numbers of classes, and of features that the model is given.
    probability_words
        What its probabilities are.

    Notes
    -----
    The columns of `label_schema` are there, in words of their own, with those of `CLASS_LABEL_COLUMNS` among them.
    """

    def more(name: str, kind: pa.DataType, may_be_null: bool, about: str) -> pa.Field:
        return pa.field(name, kind, may_be_null, {"description": about})

    words = _OF_CLASSES | {
        "probability": f"{probability_words}: of the class of `label`; 0 if the model does not know it, and too high "
        "for reviewed events, which the model was trained on",
    }
    # As Parquet names the elements of lists: the digest of the rows includes the name.
    numbers = pa.list_(pa.field("element", pa.int32()))
    after = {
        "label": more("class_name", pa.string(), False, "Name of that class by the reviews when the model was chosen"),
        "probabilities": more(
            "conformal_set",
            numbers,
            False,
            "Numbers of the classes that the conformal set holds, ascending; it holds the true one as often as "
            "class_model.coverage promises",
        ),
        "novelty": more(
            "new", pa.bool_(), False, "Whether it is unlike all reviewed events: novelty above its threshold"
        ),
        "assigned": more("reviewed", pa.string(), True, "Class by the reviewer; null where the event was not reviewed"),
        "model_version": more(
            "unsupervised_label",
            pa.int32(),
            True,
            "Class number by the model without reviews beside it (unsupervised_version of the file); null without one",
        ),
    }
    fields = []
    for field in label_schema(k, features):
        about = words.get(field.name)
        fields.append(field if about is None else field.with_metadata({"description": about}))
        fields += [after[field.name]] if field.name in after else []
    return pa.schema(fields)

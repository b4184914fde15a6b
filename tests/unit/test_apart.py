"""Events that are apart from the reviewed ones: by block of time and by source, at all stations."""

import numpy as np

from ris_core.contracts.event_identifier import peak_of
from ris_core.truth.apart import Shown


def test_events_of_the_block_or_the_source_of_a_reviewed_one_are_not_apart() -> None:
    times = ["000100", "002900", "003000", "010000", "013000", "020000"]
    ids = [f"XX.{'A' if n % 2 else 'B'}..HHZ.20150101T{time}.000000" for n, time in enumerate(times)]
    peaks = np.array([peak_of(name) for name in ids])
    source = np.array([5, -1, 6, 5, -1, 7])
    shown = Shown.of([ids[0], "XX.C..HHZ.20150101T021500.000000"], ids, source, 1800.0)
    # The second has the block of the first, the fourth its source, the last the block of one that is not in the list.
    assert shown.apart(peaks, source).tolist() == [False, False, True, False, True, False]
    # Events without a source do not share it with each other.
    assert Shown.of([ids[1]], ids, source, 1800.0).apart(peaks, source).tolist() == [
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    assert Shown.of([], ids, source, 1800.0).apart(peaks, source).all()

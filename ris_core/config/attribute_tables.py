"""Settings: the candidates, and the tables of attributes, whose windows are a candidate's."""

from __future__ import annotations

from collections.abc import Iterable

from ris_core.config.attributes import AttributesSettings, AttributeTablesSettings
from ris_core.config.candidates import CandidatesSettings

_DEFAULT = "attributes"


class WithAttributes(CandidatesSettings):
    """Which models are trained, and whether attributes are kept."""

    attributes: AttributeTablesSettings = AttributeTablesSettings()

    @property
    def has_attribute_tables(self) -> bool:
        """Whether the attributes of every event are kept as a table of its station-day (section `attributes`)."""
        wanted = self.attributes.table
        return bool(self._of_candidates) if wanted is None else wanted

    @property
    def attributes_of_tables(self) -> AttributesSettings:
        """The windows of these tables: those of the first candidate with attributes, else of `attributes`."""
        return self._section(next(iter(self._of_candidates), _DEFAULT))

    def check_windows(self, window: float, half_length: float) -> None:
        """Raise `ValueError` unless a context holds the windows of all attributes that are used.

        Parameters
        ----------
        window, half_length
            `spectrogram.window` and `context.half_length`, s.
        """
        for name in self._used:
            self._section(name).check(name, window, half_length)

    def unused(self, fine: Iterable[str] = ()) -> tuple[str, ...]:
        """Return in words which names of the sections `representations` and `clusterers` have no effect.

        Parameters
        ----------
        fine
            Representations that may be without effect.
        """
        known = {f"representations.{name}" for name in (*self._used, *fine)}
        return tuple(text for text in super().unused() if text.partition(" ")[0] not in known)

    @property
    def _of_candidates(self) -> tuple[str, ...]:
        names = dict.fromkeys(candidate.representation for candidate in self.candidate_names)
        return tuple(name for name in names if isinstance(self.representation_of(name), AttributesSettings))

    @property
    def _used(self) -> tuple[str, ...]:
        return self._of_candidates or ((_DEFAULT,) if self.has_attribute_tables else ())

    def _section(self, name: str) -> AttributesSettings:
        found = self.representation_of(name)
        return found if isinstance(found, AttributesSettings) else AttributesSettings()

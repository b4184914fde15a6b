"""The detectors that there are, by the name that `detector.method` gives."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from ris_core.detectors.carl import CarlTrigger
from ris_core.detectors.detector import Detector
from ris_core.detectors.sta_lta import ClassicStaLta, DelayedStaLta, RecursiveStaLta
from ris_core.detectors.z_detect import ZDetector
from ris_core.registry import Registry

DEFAULT = RecursiveStaLta

DETECTORS: Registry[Detector] = Registry("detector", "method", DEFAULT.model_fields["method"].default)
"""What finds events in a trace; each member is its own section of the settings."""
DETECTORS.add(RecursiveStaLta)
DETECTORS.add(ClassicStaLta)
DETECTORS.add(DelayedStaLta)
DETECTORS.add(ZDetector)
DETECTORS.add(CarlTrigger)

AnyDetector = Annotated[SerializeAsAny[Detector], BeforeValidator(DETECTORS.parse)]
"""A section of the settings that is one of the registered detectors."""

"""Detectors: each is one module with the settings of a detector and how it finds triggers on a trace.

`detector.method` of the settings names the detector. `DETECTORS` of `ris_core.detectors.registry` holds those that
there are; a plug-in adds its own with ``DETECTORS.add``.
"""

"""A synthetic volcano with truth, a second world beside the ice shelf's, for reporting only.

Its waveforms were written from published descriptions (each module names its sources) without a look at the formulas
of the platform's attributes or at the waveforms of the ice shelf's families, and before any method of the platform had
run on it. No setting of any method is tuned on it, and it is not tuned to any method: the only figures that decided
about its values were the number of detections, the shares of the families, and that a supervised classifier is neither
perfect nor blind.
"""

"""Training: normalisation, the AEC loop, the DEC loop, floors to beat and the acceptance of a model."""

"""Published data in and out: the HDF5 file of Jenkins et al. (2021), its catalogue, and its weights as a choice."""

"""Types that pass between packages: names, days, inputs of networks, and the result of each stage of a station-day.

They are plain and frozen, are the lowest layer, and import nothing else of `ris_core`. Files store them as JSON, HDF5
or Parquet; only `ris_core.storage` converts them.
"""

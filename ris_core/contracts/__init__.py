"""What rooms hand to each other: names, days, inputs of networks, and what each stage of a station-day found.

Plain frozen types at the bottom of the house. They import nothing else of `ris_core`. Files hold them as JSON, HDF5 or
Parquet; only `ris_core.storage` turns one into the other.
"""

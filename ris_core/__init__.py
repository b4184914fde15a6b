"""The science of the platform: from continuous seismic data to labelled events.

Nothing here knows of Dagster; every module can be used from a notebook.
"""

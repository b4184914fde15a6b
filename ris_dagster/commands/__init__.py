"""The commands of `ris`, by subject; each is a thin layer over functions that the UI and the tests also use."""

"""The commands of `ris`, by subject; each is thin over functions that the UI and the tests use as well."""

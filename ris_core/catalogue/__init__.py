"""The catalogue of events: all station-days as one table, with what one source can explain at several stations."""

"""Benchmarks: each prints its conditions, a table, and last a line `RESULT {json}`."""

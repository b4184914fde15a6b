"""Results for others: QuakeML, tables, stations, waveforms, and a folder that is ready for a repository."""

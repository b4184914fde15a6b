"""What a stage of station-days is, what is known of a station-day, and when a failed one is tried again."""

"""The station-days of one network: their stages in order, how one is run, what is known of each."""

"""Stages of station-days, and the attempts after a failure."""

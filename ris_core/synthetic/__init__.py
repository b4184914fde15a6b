"""The embedded synthetic ice-shelf network: families of events, rate laws, noise, instrument, truth and evaluation.

Sources and choices are written up in `docs/synthetic.md`.
"""

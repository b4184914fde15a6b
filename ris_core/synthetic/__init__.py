"""The embedded synthetic ice-shelf network: families of events, rate laws, noise, instrument and truth.

`docs/synthetic.md` describes its sources and choices.
"""

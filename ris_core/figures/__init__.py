"""Figures: one function per figure, arrays or tables in, a matplotlib `Figure` out.

Everything uses matplotlib's object interface, so figures can be drawn in any thread and without a display. Pictures of
single station-days (`station_day`), of which there are tens of thousands, are drawn straight into a PNG instead.
"""

"""Figures: one function per figure, arrays or tables in, a matplotlib `Figure` out.

All figures use matplotlib's object interface, so they can be drawn in any thread and without a display. Pictures of
single station-days (`day_pictures`) are drawn directly into a PNG, since there are tens of thousands of them.
"""

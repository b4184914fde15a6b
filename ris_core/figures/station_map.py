"""Map of the stations with the shares of the classes, drawn without tiles and without the internet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Wedge
from matplotlib.patheffects import withStroke

from ris_core.figures.map_projection import LENGTHS_KM, STEPS, bounds, degrees, projection, radii
from ris_core.figures.style import GREY, TICK, class_fill, finish, new_figure, no_data

_LEAST_SPAN_KM = 2.0


def station_map(
    positions: Mapping[str, tuple[float, float]],
    counts: Mapping[str, Mapping[int, float]],
    names: Mapping[int, str],
    title: str = "Classes at the stations",
) -> Figure:
    """Draw the stations as pies of their classes; areas grow with the number of events.

    Parameters
    ----------
    positions : mapping
        Latitude and longitude of each station, degrees (WGS84).
    counts : mapping
        Events of each class by station. A station without events is an empty circle.
    names : mapping
        Names of the classes by number.
    title : str
    """
    if not positions:
        return no_data(title, "no position of a station is known")
    from pyproj import Transformer

    latitude, longitude = np.array(list(positions.values()), float).T
    code, called = projection(latitude, longitude)
    transform = Transformer.from_crs("EPSG:4326", code, always_xy=True).transform
    x, y = (np.asarray(values) / 1e3 for values in transform(longitude, latitude))
    span = max(np.ptp(x), np.ptp(y), _LEAST_SPAN_KM)
    sizes = radii(x, y, np.array([sum(counts.get(station, {}).values()) for station in positions]), span)
    (west, east), (south, north) = bounds(x, y, 0.12 * span)
    fig = new_figure(8.2, 1.2 + 5.1 * (north - south) / (east - west), title)
    axes = fig.subplots()
    axes.set_aspect("equal")
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    _graticule(axes, code)
    for station, *centre, radius in zip(positions, x.tolist(), y.tolist(), sizes.tolist(), strict=True):
        _pie(axes, (centre[0], centre[1]), radius, counts.get(station, {}))
        axes.annotate(
            station,
            (centre[0], centre[1] - radius),
            xytext=(0, -2),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=TICK,
            zorder=6,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
    _scale(axes)
    finish(axes, f"east (km), {called}", "north (km)")
    total = {label: sum(of.get(label, 0) for of in counts.values()) for label in sorted(names)}
    handles = [Patch(label=f"{names[label]} ({int(n):,})", **class_fill(label)) for label, n in total.items()]
    fig.legend(handles=handles, loc="outside right upper", fontsize=TICK, frameon=False)
    return fig


def _pie(axes: Axes, centre: tuple[float, float], radius: float, own: Mapping[int, float]) -> None:
    total, begin = sum(own.values()), 90.0
    if not total:
        axes.add_patch(Wedge(centre, radius, 0, 360, facecolor="white", edgecolor=GREY, lw=1, zorder=3))
        return
    for label in sorted(own):
        if own[label] > 0:
            size = 360.0 * own[label] / total
            style = class_fill(label)
            axes.add_patch(Wedge(centre, radius, begin - size, begin, edgecolor="white", lw=0.3, zorder=3, **style))
            begin -= size
    axes.add_patch(Wedge(centre, radius, 0, 360, facecolor="none", edgecolor="black", lw=0.6, zorder=4))


def _graticule(axes: Axes, code: str) -> None:
    """Draw meridians and parallels with their degrees."""
    from pyproj import Transformer

    back = Transformer.from_crs(code, "EPSG:4326", always_xy=True).transform
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    grid = np.stack(np.meshgrid(np.linspace(west, east, 200), np.linspace(south, north, 200)), axis=-1) * 1e3
    longitude, latitude = back(grid[..., 0], grid[..., 1])
    middle = float(np.asarray(longitude)[100, 100])
    # Around the middle, so that a map over the 180th meridian has no jump.
    longitude = (np.asarray(longitude) - middle + 180) % 360 - 180 + middle
    latitude = np.asarray(latitude)
    for values, is_latitude in ((latitude, True), (longitude, False)):
        step = next((each for each in STEPS if np.ptp(values) <= 6 * each), STEPS[-1])
        first, last = np.ceil(values.min() / step), np.floor(values.max() / step)
        levels = step * np.arange(first, last + 1)
        if not len(levels):
            continue
        drawn = axes.contour(
            grid[..., 0] / 1e3, grid[..., 1] / 1e3, values, levels=levels, colors=GREY, linewidths=0.5, linestyles=":"
        )
        words = {level: degrees(float(level), is_latitude) for level in drawn.levels}
        axes.clabel(drawn, fmt=words, fontsize=TICK - 1.5)


def _scale(axes: Axes) -> None:
    """Draw a bar of a round length in the lower left corner."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    length = max(each for each in LENGTHS_KM if each <= 0.3 * (east - west) or each == LENGTHS_KM[0])
    x, y = west + 0.04 * (east - west), south + 0.04 * (north - south)
    axes.plot([x, x + length], [y, y], color="black", lw=2.5, solid_capstyle="butt", zorder=5)
    axes.text(x + length / 2, y + 0.012 * (north - south), f"{length:g} km", ha="center", va="bottom", fontsize=TICK)

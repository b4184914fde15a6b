"""The figures of classes as published: portrait of a class, CDF and PDF of distances."""

from __future__ import annotations

import numpy as np
import pytest

from ris_core.figures.class_portrait import class_portrait
from ris_core.figures.distance_curves import PUBLISHED_EDGES, distance_comparison
from ris_core.figures.image import to_png

FREQUENCY, TIME = np.linspace(3, 20, 87), np.arange(100) * 0.04


def members(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = np.exp(-(((FREQUENCY[:, None] - 8) / 2) ** 2) - ((TIME[None] - 2) / 0.5) ** 2)
    power = shape * rng.gamma(2, 1, (count, 87, 100)) + 1e-3
    return power, rng.normal(0, 10, (count, 218))


@pytest.mark.parametrize("decoder", [True, False])
def test_a_portrait_has_a_column_for_centroid_mean_and_each_member(decoder: bool) -> None:
    power, traces = members(5)
    rng = np.random.default_rng(1)
    decoded = np.full((87, 100), -15.0) if decoder else None
    features = rng.normal(size=(5, 9))
    fig = class_portrait(
        power,
        traces,
        FREQUENCY,
        TIME,
        mean=power.mean(axis=0),
        decoded=decoded,
        features=features,
        centre=features.mean(axis=0),
        distance=np.arange(5.0),
        title="class",
    )
    titles = [axes.get_title() for axes in fig.axes if axes.get_title()]
    assert titles == [
        *(["centroid,\ndecoded"] if decoder else []),
        "mean",
        "nearest\n0",
        "→\n1",
        "→\n2",
        "→\n3",
        "farthest\n4",
    ]
    # The strip of features stands above the centroid and each member.
    assert sum(bool(axes.images) and axes.get_images()[0].get_array().shape == (1, 9) for axes in fig.axes) == 6
    assert len(to_png(fig)) < 80_000


def test_a_class_without_members_says_so_and_other_shapes_are_refused() -> None:
    power, traces = members(2)
    empty = class_portrait(power[:0], traces[:0], FREQUENCY, TIME, mean=power[0])
    assert "no member" in empty.texts[-1].get_text()
    with pytest.raises(ValueError, match="2 spectrograms and 1 traces"):
        class_portrait(power, traces[:1], FREQUENCY, TIME, mean=power[0])


def test_the_pdf_sums_to_one_and_the_cdf_reaches_it() -> None:
    distance = np.array([1.0, 2, 2, 150])
    fig = distance_comparison({"GMM": distance}, PUBLISHED_EDGES, [(0, 201)])
    cumulative, density = fig.axes
    assert density.patches[0].get_data().values.sum() == pytest.approx(1)
    assert len(density.patches[0].get_data().values) == 199
    assert cumulative.lines[0].get_ydata()[[0, -1]].tolist() == [0, 1]
    assert np.interp(2.0, *cumulative.lines[0].get_data()) >= 0.5


def test_the_axis_of_the_pdf_is_broken_where_nothing_lies() -> None:
    rng = np.random.default_rng(0)
    fig = distance_comparison({"GMM": rng.uniform(10, 30, 5000), "DEC": rng.uniform(0, 4, 5000)})
    _, first, second = fig.axes
    assert first.get_xlim()[1] < second.get_xlim()[0]
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["GMM (5,000)", "DEC (5,000)"]
    whole = distance_comparison({"GMM": rng.uniform(0, 30, 5000)})
    assert len(whole.axes) == 2
    assert "no events" in distance_comparison({"GMM": np.array([])}).texts[-1].get_text()

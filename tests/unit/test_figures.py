"""Figures show what they say, refuse what does not fit, and stay small enough to travel as text."""

import functools
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ris_core.clustering.distances import near_to_far, own_distance
from ris_core.figures import (
    distance_curves,
    embedding,
    gallery,
    latent_space,
    network_overview,
    silhouette,
    training_curves,
)
from ris_core.figures.cluster_spectra import centroid_spectra
from ris_core.figures.image import to_png

FREQUENCY = np.arange(16, 103) * 50 / 256
TIME = (np.arange(100) - 50) * 0.04


def spectrograms(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre = rng.uniform(5, 18, (n, 1, 1))
    peak = np.exp(-(((FREQUENCY[:, None] - centre) / 2) ** 2) - ((TIME + 0.1) / 0.4) ** 2)
    noisy = peak + 1e-3 * rng.exponential(size=(n, 87, 100))
    return np.asarray(noisy / np.linalg.norm(noisy, axis=(1, 2), keepdims=True))


def texts(fig: Figure) -> str:
    found = [t.get_text() for axes in fig.axes for t in axes.texts]
    found += [axes.get_title() + axes.get_xlabel() + axes.get_ylabel() for axes in fig.axes]
    found += [t.get_text() for t in fig.texts] + [fig.get_suptitle()]
    for legend in [*fig.legends, *(a.get_legend() for a in fig.axes)]:
        found += [t.get_text() for t in legend.get_texts()] if legend else []
    return "\n".join(found)


def availability_table(stations: int, days: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        (f"S{s:02d}", day, rng.choice(["processed", "no data", "failed"], p=[0.9, 0.08, 0.02]), rng.choice([1.0, 0.4]))
        for s in range(stations)
        for day in pd.date_range("2014-12-01", periods=days)
    ]
    return pd.DataFrame(rows, columns=["station", "day", "state", "coverage"])


def loss_history(epochs: int = 20) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame({"epoch": epoch, "train_mse": 1e-4 / epoch, "val_mse": 1e-4 / epoch + 1e-6 * (epoch - 12) ** 2})


@functools.cache
def every_figure() -> dict[str, Figure]:
    x, rng = spectrograms(8), np.random.default_rng(1)
    z, labels = rng.normal(size=(5000, 9)), rng.integers(0, 8, 5000)
    update = np.arange(1, 30)
    dec = pd.DataFrame({"update": update, "mse": 2e-5 / update, "kl": 0.4 / update, "label_change": 0.3 / update**2})
    recall = pd.DataFrame({"snr": np.arange(4.0, 30, 2), "recall": np.linspace(0, 1, 13), "n": 50})
    return {
        "loss": training_curves.loss_curves(loss_history(), {"mean": 6e-5}),
        "reconstructions": training_curves.reconstructions(x, np.abs(z[:8]), x, FREQUENCY, TIME),
        "dec": training_curves.dec_history(dec, 0.003, 1e-3),
        "latent": latent_space.latent_space(z, labels),
        "tsne": embedding.tsne_space(z[:, :4] + 3 * labels[:, None], labels, most_points=200),
        "gallery": gallery.cluster_gallery(
            x, x, dict.fromkeys(range(8), x[:4]), np.full(8, 100), FREQUENCY, TIME, title="K = 8"
        ),
        "silhouettes": silhouette.silhouette_profiles(
            dict.fromkeys(("data space", "autoencoder", "DEC"), rng.uniform(-0.2, 0.9, 5000)), labels
        ),
        "distances": distance_curves.distance_distributions(rng.gamma(4, 1 + 0.1 * labels), labels),
        "change": latent_space.label_change(pd.DataFrame(rng.integers(0, 5000, (8, 8)))),
        "availability": network_overview.availability(availability_table(34, 730)),
        "recall": network_overview.detection_recall(recall),
    }


NAMES = (
    "loss",
    "reconstructions",
    "dec",
    "latent",
    "tsne",
    "gallery",
    "silhouettes",
    "distances",
    "change",
    "availability",
    "recall",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_a_png_small_enough_for_metadata(name: str) -> None:
    png = to_png(every_figure()[name])
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert max(image.size) < 1000
    assert 2_000 < len(png) < 50_000


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_a_title_and_its_axes_have_labels(name: str) -> None:
    fig = every_figure()[name]
    assert fig.get_suptitle()
    if name == "reconstructions":
        assert [bool(a.get_ylabel()) for a in fig.axes[::6]] == [True] * 4
        assert [a.get_xlabel() for a in fig.axes[12:18]] == ["time (s)"] * 6
    else:
        assert all(a.get_ylabel() for a in fig.axes)
        assert fig.axes[0].get_xlabel()


def test_the_same_figure_drawn_in_many_threads_gives_the_same_bytes() -> None:
    def draw(_: int) -> bytes:
        return to_png(training_curves.loss_curves(loss_history(), {"mean": 6e-5}))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1


def test_figures_never_load_pyplot() -> None:
    modules = (
        "cluster_criteria, day_pictures, distance_curves, embedding, gallery, image, latent_space, network_overview"
    )
    modules += ", silhouette, training_curves"
    code = f"import sys; from ris_core.figures import {modules}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_palette_keeps_white_and_the_colours_of_small_marks() -> None:
    fig = Figure(figsize=(4, 3), facecolor="white")
    axes = fig.subplots()
    axes.imshow(np.random.default_rng(0).random((80, 80)))
    axes.plot([40], [40], "s", color="#D55E00", ms=6)
    pixels = np.asarray(Image.open(io.BytesIO(to_png(fig, colours=32))).convert("RGB")).reshape(-1, 3)
    colours = {tuple(c) for c in np.unique(pixels, axis=0).tolist()}
    assert (255, 255, 255) in colours
    assert min(np.abs(np.array(c) - (0xD5, 0x5E, 0x00)).max() for c in colours) < 12
    assert len(colours) <= 32


@pytest.mark.parametrize("colours", [1, 257])
def test_a_palette_that_png_cannot_hold_is_refused(colours: int) -> None:
    with pytest.raises(ValueError, match=f"colours is {colours}"):
        to_png(Figure(), colours=colours)


def test_no_events_give_a_figure_that_says_so() -> None:
    none = spectrograms(0)
    assert "no events" in texts(training_curves.reconstructions(none, np.zeros((0, 9)), none, FREQUENCY, TIME))


def test_an_all_zero_spectrogram_can_be_drawn() -> None:
    nothing = np.zeros((2, 87, 100))
    to_png(gallery.cluster_gallery(nothing, nothing, {}, np.array([0, 0]), FREQUENCY, TIME))


def test_the_loss_curve_marks_the_best_epoch_and_names_the_floors() -> None:
    fig = training_curves.loss_curves(loss_history(), {"mean spectrogram": 6.1e-5})
    assert "(epoch 12)" in texts(fig)
    assert "mean spectrogram: 6.10e-05" in texts(fig)
    assert fig.axes[0].get_yscale() == "log"


def test_a_history_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="lacks val_mse"):
        training_curves.loss_curves(loss_history().drop(columns="val_mse"))


def test_a_history_without_a_first_label_change_can_be_drawn() -> None:
    one = pd.DataFrame({"mse": [2e-5], "kl": [0.3], "label_change": [np.nan]})
    to_png(training_curves.dec_history(one, tolerance=0.003))


def test_a_history_without_a_decoder_has_no_reconstruction_error() -> None:
    history = pd.DataFrame({"update": [1, 2], "kl": [0.3, 0.2], "label_change": [0.1, 0.05]})
    fig = training_curves.dec_history(history, tolerance=0.003, gamma=1.0)
    assert [axes.get_title() for axes in fig.axes] == ["Clustering loss", "Label change"]


def test_principal_components_keep_distances_in_the_plane_of_greatest_variance() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(500, 2)) * (5, 2)
    basis = np.linalg.qr(rng.normal(size=(9, 9)))[0][:2]
    points, explained = latent_space.principal_components(plane @ basis)
    assert explained.sum() == pytest.approx(1.0)
    centred = plane - plane.mean(axis=0)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.linalg.norm(centred, axis=1))


def test_the_latent_figure_depends_on_its_seed_alone() -> None:
    z, labels = np.random.default_rng(0).normal(size=(8000, 9)), np.arange(8000) % 20
    first, again, other = (to_png(latent_space.latent_space(z, labels, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_dead_latent_dimensions_are_counted_and_constant_latents_drawn() -> None:
    z = np.zeros((50, 9))
    z[:, :3] = np.random.default_rng(0).normal(size=(50, 3))
    assert "3 of 9 dimensions vary" in texts(latent_space.latent_space(z))
    to_png(latent_space.latent_space(np.ones((50, 9))))


def test_the_gallery_shows_sizes_and_shares_even_of_an_empty_cluster() -> None:
    x = spectrograms(3)
    x[2] = 0
    shown = texts(gallery.cluster_gallery(x, x, {0: x[:2], 1: x[:1]}, np.array([3000, 1000, 0]), FREQUENCY, TIME))
    assert "0: 3,000\n(75.0 %)" in shown
    assert "2: 0\n(0.0 %)" in shown


@pytest.mark.parametrize(("clusters", "titles"), [(8, ["nearest", "→", "→", "farthest"]), (9, ["nearest", "farthest"])])
def test_the_gallery_goes_from_the_nearest_to_the_farthest_event(clusters: int, titles: list[str]) -> None:
    x = spectrograms(clusters)
    fig = gallery.cluster_gallery(
        x, x, dict.fromkeys(range(clusters), x[:6]), np.full(clusters, 10), FREQUENCY, TIME, decibel=True
    )
    assert [t.get_text() for t in fig.axes[0].texts][:2] == ["centroid,\ndecoded", "mean"]
    assert [t.get_text() for t in fig.axes[0].texts][2 : 2 + len(titles)] == titles
    assert "dB above the floor" in texts(fig)


def test_spectra_of_centroids_leave_out_empty_clusters_and_name_components() -> None:
    spectra = np.random.default_rng(0).random((3, len(FREQUENCY)))
    fig = centroid_spectra(spectra, FREQUENCY, np.array([4, 0, 2]), names=["a", "b", "c"])
    assert [line.get_label() for line in fig.axes[0].lines] == ["a", "c"]
    np.testing.assert_array_equal(fig.axes[0].lines[1].get_ydata(), spectra[2])
    several = centroid_spectra(np.stack([spectra, spectra], axis=1), FREQUENCY, np.array([1, 1, 1]), components="ZN")
    assert [axes.get_title() for axes in several.axes] == ["Z", "N"]
    with pytest.raises(ValueError, match="for 2 clusters"):
        centroid_spectra(spectra, FREQUENCY, np.array([1, 1]))


def of_three(n: int) -> np.ndarray:
    """Spectrograms of three components; the second has a quarter of the first's power, the third none."""
    x = spectrograms(n)
    return np.stack([x, x / 4, 0 * x], axis=1)


def test_the_gallery_shows_components_side_by_side_in_units_of_the_greatest() -> None:
    x = of_three(4)
    fig = gallery.cluster_gallery(
        x, x, dict.fromkeys(range(4), x), np.full(4, 10), FREQUENCY, TIME, components="ZNE", decibel=True
    )
    titles = [t.get_text() for t in fig.axes[0].texts]
    assert titles[:6] == ["centroid,\ndecoded\nZ", "N", "E", "mean\nZ", "N", "E"]
    assert len(titles) == 12 + 4
    image = np.asarray(fig.axes[0].images[0].get_array().filled(np.nan))
    tiles = np.split(image[:40], np.flatnonzero(np.isnan(image[0])), axis=1)
    greatest = [float(np.nanmax(tile)) for tile in tiles if np.isfinite(tile).any()]
    np.testing.assert_allclose(greatest[:6], [1, 0.25, 0] * 2, atol=1e-6)
    assert max(Image.open(io.BytesIO(to_png(fig))).size) < 1400


def test_reconstructions_have_a_row_for_each_component() -> None:
    x = of_three(3)
    fig = training_curves.reconstructions(x, np.ones((3, 9)), x, FREQUENCY, TIME, components=("Z", "N", "E"))
    labels = [axes.get_ylabel().split("\n")[0] for axes in fig.axes if axes.get_ylabel()]
    wanted = ["input Z", "input N", "input E", "latent", *(f"reconstruction {letter}" for letter in "ZNE")]
    assert labels[:7] == wanted
    assert to_png(fig)


def test_several_components_without_their_letters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"x has the shape \(3, 3, 87, 100\); expected \(n, 87, 100\)"):
        training_curves.reconstructions(of_three(3), np.ones((3, 9)), of_three(3), FREQUENCY, TIME)
    with pytest.raises(ValueError, match=r"expected \(n, 2, 87, 100\) for components Z, N"):
        training_curves.reconstructions(
            of_three(3), np.ones((3, 9)), of_three(3), FREQUENCY, TIME, components=("Z", "N")
        )


@pytest.mark.parametrize(("frequencies", "times"), [(17, 17), (200, 400)])
def test_axes_are_those_of_the_spectrograms(frequencies: int, times: int) -> None:
    x = np.random.default_rng(0).random((2, frequencies, times))
    frequency, time = np.linspace(10, 200, frequencies), np.linspace(0, 0.8, times)
    fig = training_curves.reconstructions(x, np.ones((2, 9)), x, frequency, time)
    first = fig.axes[0]
    low, high = first.get_ylim()
    assert 0 < low < 10
    assert 200 < high < 220
    assert first.get_xlim()[1] < 0.9
    to_png(gallery.cluster_gallery(x, x, {0: x}, np.array([1, 2]), frequency, time))


def test_a_gallery_of_other_means_than_centroids_is_refused() -> None:
    x = spectrograms(3)
    with pytest.raises(ValueError, match="2 decoded centroids, 3 means and 3 sizes"):
        gallery.cluster_gallery(x[:2], x, {}, np.ones(3, int), FREQUENCY, TIME)


def test_examples_are_the_nearest_the_farthest_and_some_between() -> None:
    z = np.array([[0.0], [4.0], [1.0], [9.0], [2.0], [3.0]])
    labels = np.array([0, 0, 0, 1, 0, 0])
    distance = own_distance(z, np.array([[0.0], [10.0], [5.0]]), labels, np.ones(len(z)))
    assert distance.tolist() == [0, 4, 1, 1, 2, 3]
    found = near_to_far(distance, labels, 3, 3)
    assert {label: rows.tolist() for label, rows in found.items()} == {0: [0, 4, 1], 1: [3], 2: []}


def test_silhouettes_name_each_space_and_its_mean_and_leave_out_what_has_none() -> None:
    values = np.array([0.5, 0.1, -0.2, 0.6])
    fig = silhouette.silhouette_profiles({"data space": values, "nothing": np.full(4, np.nan)}, np.array([0, 0, 1, 7]))
    (axes,) = fig.axes
    assert axes.get_title() == "data space\nmean 0.25"
    assert [t.get_text() for t in axes.get_yticklabels()] == ["0", "1", "7"]
    assert "fewer than two clusters" in texts(silhouette.silhouette_profiles({}, np.zeros(4, int)))
    with pytest.raises(ValueError, match=r"4 labels, but a different number of silhouettes in data space \(3\)"):
        silhouette.silhouette_profiles({"data space": values[:3]}, np.zeros(4, int))


def test_the_cumulative_distribution_of_each_cluster_goes_from_zero_to_one() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    distance = np.concatenate([rng.gamma(4, 1, 500), rng.gamma(4, 2, 500)])
    cumulative, density = distance_curves.distance_distributions(distance, labels).axes
    first, second = cumulative.lines
    for line, own in zip((first, second), (distance[:500], distance[500:]), strict=True):
        assert line.get_ydata()[[0, -1]].tolist() == [0, 1]
        assert np.interp(0.5, line.get_ydata(), line.get_xdata()) == pytest.approx(np.median(own), rel=0.02)
    areas = [float(np.sum(p.get_data().values * np.diff(p.get_data().edges))) for p in density.patches]
    assert areas == pytest.approx([1.0, 0.99], abs=0.01)
    to_png(distance_curves.distance_distributions(np.zeros(3), np.zeros(3, int)))
    assert "no events" in texts(distance_curves.distance_distributions(np.zeros(0), np.zeros(0, int)))


def test_t_sne_keeps_clusters_apart_and_gives_the_same_picture_again() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 60)
    z = rng.normal(size=(180, 9)) + 12 * np.eye(9)[labels]
    points = embedding.tsne(z, seed=1)
    centres = np.stack([points[labels == j].mean(axis=0) for j in range(3)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.98
    assert np.array_equal(points, embedding.tsne(z, seed=1))


def test_t_sne_of_too_few_events_or_dead_latents_says_so() -> None:
    with pytest.raises(ValueError, match="5 vectors; t-SNE needs 10 or more"):
        embedding.tsne(np.zeros((5, 9)))
    assert "too few events" in texts(embedding.tsne_space(np.zeros((5, 9))))
    assert "none of their latents varies" in texts(embedding.tsne_space(np.ones((50, 9))))


def test_every_count_of_a_cross_tabulation_is_written() -> None:
    table = pd.DataFrame([[950, 0], [12_345, 3_100_000]])
    shown = texts(latent_space.label_change(table)).splitlines()
    assert {"950", "0", "12k", "3.1M"} <= set(shown)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (1000, "1.0k"), (9_949, "9.9k"), (9_960, "10k"), (999_600, "1.0M")]
)
def test_counts_fit_in_four_characters(count: int, text: str) -> None:
    assert latent_space.short_count(count) == text


def test_a_single_failed_day_in_ten_years_stays_visible() -> None:
    table = availability_table(2, 3650).assign(state="processed", coverage=1.0)
    table.loc[1234, "state"] = "failed"
    fig = network_overview.availability(table)
    image = np.asarray(fig.axes[0].images[0].get_array())
    assert image.shape[1] <= 740
    vermillion = np.isclose(image, np.array([0xD5, 0x5E, 0x00]) / 255, atol=0.01).all(axis=-1)
    assert vermillion.sum() == 1
    assert "failed (1)" in texts(fig)


def test_station_days_absent_from_the_table_count_as_not_yet() -> None:
    table = availability_table(3, 7).assign(state="processed").drop(index=[3, 4])
    assert "not yet (2)" in texts(network_overview.availability(table))


def test_an_unknown_state_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'done'; the states are damaged, failed"):
        network_overview.availability(availability_table(1, 2).assign(state="done"))


@pytest.mark.parametrize("days", [1, 14, 15, 98, 99, 800, 9000])
def test_the_axis_of_days_has_few_ticks_inside_it(days: int) -> None:
    positions, labels = network_overview.day_ticks(pd.Timestamp("2014-12-05"), days)
    assert 1 <= len(positions) <= 15
    assert len(labels) == len(positions)
    assert 0 <= min(positions) <= max(positions) < days


def test_recall_names_the_snr_of_one_half() -> None:
    table = pd.DataFrame({"snr": [10.0, 12.0, 14.0, 16.0], "recall": [0.0, 0.25, 0.75, np.nan], "n": [40, 40, 40, 0]})
    assert "50 % at 14.0 dB" in texts(network_overview.detection_recall(table))
    assert network_overview.half_recall(np.array([1.0, 2.0]), np.array([0.1, 0.2])) is None


def test_the_wilson_interval_of_ten_in_ten_is_the_published_one() -> None:
    low, high = network_overview.wilson_interval(np.array([1.0]), np.array([10.0]))
    assert low[0] == pytest.approx(0.7225, abs=1e-4)
    assert high[0] == 1.0

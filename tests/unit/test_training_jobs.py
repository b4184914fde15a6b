"""Which jobs lead to a champion, and which of them it does not need."""

from waveform_builders import make_settings

from ris_dagster import jobs

BOTH = {"candidates": ["aec/dec", "aec/kmeans", "spectra/gmm"]}


def test_the_published_method_has_the_jobs_that_it_always_had() -> None:
    settings = make_settings()
    assert jobs.training_jobs(settings) == (
        "draw_training_set",
        "train_autoencoders",
        "choose_and_encode",
        "initialise_clusters",
        "train_dec",
        "choose_champion",
    )
    assert jobs.needed(settings) == set(jobs.training_jobs(settings))
    assert jobs.in_partitions(settings) == {"train_autoencoders", "initialise_clusters", "train_dec"}


def test_representations_are_fitted_before_their_candidates_are_trained() -> None:
    names = jobs.training_jobs(make_settings(**BOTH))
    assert names[0] == "draw_training_set"
    assert names[-5:-1] == ("fit_spectra", "train_aec__kmeans", "train_spectra__gmm", "rank_candidates")
    assert names[-1] == "choose_champion"


def test_of_several_candidates_any_may_fail_but_the_ranking() -> None:
    assert jobs.needed(make_settings(**BOTH)) == {"draw_training_set", "rank_candidates", "choose_champion"}


def test_a_champion_does_not_need_the_jobs_of_other_candidates() -> None:
    settings = make_settings(**BOTH, champion={"candidate": "spectra/gmm"})
    assert jobs.needed(settings) == {"draw_training_set", "fit_spectra", "train_spectra__gmm", "choose_champion"}
    settings = make_settings(**BOTH, champion={"candidate": "aec/kmeans"})
    assert not jobs.needed(settings) & {"initialise_clusters", "train_dec", "fit_spectra"}


def test_without_a_candidate_of_the_autoencoder_there_is_no_job_for_it() -> None:
    settings = make_settings(candidates=["spectra/gmm"], champion={"candidate": "spectra/gmm"})
    assert jobs.training_jobs(settings) == (
        "draw_training_set",
        "fit_spectra",
        "train_spectra__gmm",
        "choose_champion",
    )

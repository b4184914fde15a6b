"""The launchpad: what it shows, what it refuses before a run starts, and what the run's first line refuses."""

from typing import Any

import dagster as dg
import pytest
from waveform_builders import make_settings

from ris_dagster import hyperparameters, jobs
from ris_dagster.definitions import build_definitions

SETTINGS = make_settings()
TRIAL = next(iter(SETTINGS.aec.grid.trials()))


def asked(job: str, asset: str, **values: Any) -> Any:
    definition = build_definitions(SETTINGS).resolve_job_def(job)
    return dg.validate_run_config(definition, {"ops": {asset: {"config": values}}})


@pytest.mark.parametrize("values", [{"max_epochs": "many"}, {"precision": "float16"}, {"epochs": 5}, {"device": "gpu"}])
def test_another_type_name_or_choice_is_refused_before_the_run_starts(values: dict[str, Any]) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        asked(jobs.TRIALS, "aec_trials", **values)
    assert asked(jobs.TRIALS, "aec_trials", max_epochs=5, precision="mixed")


@pytest.mark.parametrize(
    ("make", "section"),
    [(hyperparameters.aec_config, SETTINGS.aec), (hyperparameters.dec_config, SETTINGS.dec),
     (hyperparameters.gmm_config, SETTINGS.dec)],
)  # fmt: skip
def test_bounds_stand_in_the_descriptions_and_defaults_are_those_of_the_settings(make: Any, section: Any) -> None:
    config = make(SETTINGS)
    for name, field in config.model_fields.items():
        assert field.default == getattr(section, name)
        bounded = any(
            hasattr(found, "ge") or hasattr(found, "gt") for found in type(section).model_fields[name].metadata
        )
        assert ("Allowed: " in (field.description or "")) == bounded, name
    assert hyperparameters.override(section, config()) == section


def test_bounds_are_told_in_words() -> None:
    fields = hyperparameters.dec_config(SETTINGS).model_fields
    assert (fields["batch_size"].description or "").endswith("Allowed: at least 1.")
    assert (fields["learning_rate"].description or "").endswith("Allowed: more than 0.")


def test_a_value_out_of_bounds_ends_the_run_with_one_line_that_names_it() -> None:
    config = {"ops": {"aec_trials": {"config": {"max_epochs": 0, "patience": -1}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_definitions(SETTINGS)
            .resolve_job_def(jobs.TRIALS)
            .execute_in_process(run_config=config, partition_key=TRIAL, instance=instance, raise_on_error=False)
        )
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    said = failed.step_failure_data.user_failure_data.description
    assert said == (
        "launchpad: max_epochs = 0: Input should be greater than or equal to 1; "
        "patience = -1: Input should be greater than or equal to 1"
    )
    assert "pydantic" not in failed.step_failure_data.error.to_string()


def test_what_contradicts_itself_is_told_in_one_line_as_well() -> None:
    config = hyperparameters.gmm_config(SETTINGS)(initialisation="given")
    with pytest.raises(dg.Failure) as told:
        hyperparameters.override(SETTINGS.dec, config)
    assert (told.value.description or "").startswith("launchpad: ")
    assert "\n" not in (told.value.description or "")
    assert "centroids" in (told.value.description or "")

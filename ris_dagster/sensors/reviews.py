"""The sensor `review_retrain`: Dagster learns of new reviews; after enough of them the class model is trained again."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from ris_core.config import Settings
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_dagster import jobs as names
from ris_dagster.adapter.run_tags import will_be_retried
from ris_dagster.records import AT_WORK
from ris_dagster.resources.data_store import DataStore
from ris_dagster.review_record import recorded_reviews, report_reviews
from ris_dagster.sensors.asking import job_of, status

REVIEWS_SENSOR = "review_retrain"
ROUND_TAG = "ris/review_round"
_INTERVAL_S = 60


def build_review_retrain(settings: Settings, jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Return the sensor."""

    @dg.sensor(
        name=REVIEWS_SENSOR,
        jobs=[job_of(jobs, name) for name in (names.CLASS_MODEL, names.CHAMPION)],
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status(settings.review.retrain_after is not None),
        description="Records new reviews, so that the class model is seen to be out of date. If review.retrain_after "
        "is set, it asks for the training of the class model once so many events were reviewed since the last one, and "
        "then for the choice of the champion. Where a job fails it waits for further reviews.",
    )
    def review_retrain(context: dg.SensorEvaluationContext, store: DataStore) -> dg.SensorResult:
        return ask(context, store.station_days())

    return review_retrain


def ask(context: dg.SensorEvaluationContext, days: StationDays) -> dg.SensorResult:
    """Record the reviews, and request the next job of a round if it is due.

    A round is named after the digest of the reviews that began it, so the same reviews never begin two.
    """
    settings, instance = days.settings, context.instance
    try:
        found = report_reviews(instance, days.layout, settings)
    except DamagedFileError as error:
        return dg.SensorResult(skip_reason=str(error))
    at_work = [
        run
        for job in (names.CLASS_MODEL, names.CHAMPION)
        for run in instance.get_runs(dg.RunsFilter(job_name=job), limit=5)
        if run.status in AT_WORK or will_be_retried(run)
    ]
    if at_work:
        return dg.SensorResult(skip_reason=f"{at_work[0].job_name} is at work")
    after = settings.review.retrain_after
    of_round = instance.get_runs(dg.RunsFilter(job_name=names.CLASS_MODEL), limit=1)
    trained = of_round[0] if of_round else None
    round_name = "" if trained is None else trained.tags.get(ROUND_TAG, "")
    if trained is not None and round_name and trained.is_success:
        champions = instance.get_runs(dg.RunsFilter(job_name=names.CHAMPION, tags={ROUND_TAG: round_name}), limit=1)
        if not champions:
            return _request(names.CHAMPION, round_name)
    if after is None:
        return dg.SensorResult(skip_reason="review.retrain_after is not set")
    digest = recorded_reviews(instance)
    if found.since < after or digest == round_name:
        return dg.SensorResult(skip_reason=f"{found.since} events reviewed since the class model, {after} are wanted")
    context.log.warning(f"{found.since} events were reviewed since the class model: it is trained again")
    return _request(names.CLASS_MODEL, digest)


def _request(job: str, round_name: str) -> dg.SensorResult:
    request = dg.RunRequest(run_key=f"{round_name}:{job}", job_name=job, tags={ROUND_TAG: round_name})
    return dg.SensorResult(run_requests=[request])

"""A failed run is reported, with what to do and without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from builders import DAYS, STATIONS, Opened, opened, sds_values, write_yaml
from webhooks import webhook

from bench.ports import free_ports
from ris_dagster import alerting, jobs
from ris_dagster.alerting import Alert, AlertError, send, without_secrets
from ris_dagster.partitions import range_tags
from ris_dagster.processes import PROCESS_TAG, this_process

ALERT = Alert("[net] process: the run failed", "network: net\nerror: it broke", {"network": "net", "failed": ["AA"]})
SECRET = "T0ps3cret"  # noqa: S105 - it opens nothing


@pytest.fixture(autouse=True)
def environment(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "_WAIT_S", 0)


class Box:
    """A mail server's handler that keeps messages and knows one user."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []
        self.users: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope)
        return "250 OK"

    def authenticator(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == SECRET.encode()
        if good:
            self.users.append(data.login)
        return AuthResult(success=good, handled=False)


@contextmanager
def mail_server(**options: Any) -> Iterator[tuple[Box, str]]:
    box, (port,) = Box(), free_ports(1)
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield box, f"127.0.0.1:{port}"
    finally:
        controller.stop()


def test_without_addresses_nothing_is_sent() -> None:
    assert send(ALERT) == []


def test_a_webhook_gets_text_and_details_also_if_it_is_out_of_order_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with webhook(503, 429, path=SECRET) as (hook, url):
        monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
        assert send(ALERT) == ["webhook at 127.0.0.1"]
    (posted,) = hook.posted
    assert posted == {"text": f"{ALERT.subject}\n{ALERT.text}", "network": "net", "failed": ["AA"]}


@pytest.mark.parametrize(("answers", "times"), [([404], 1), ([500] * 9, 3)])
def test_a_webhook_that_refuses_is_named_without_its_path(
    answers: list[int], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook(*answers, path=SECRET) as (hook, url):
        monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
        with pytest.raises(AlertError, match=f"webhook at 127.0.0.1: it answered {answers[0]}") as error:
            send(ALERT)
    assert hook.asked == times
    assert SECRET not in str(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize(
    "url", [f"file:///etc/passwd?{SECRET}", f"http://[{SECRET}", f"{SECRET}", f"http://127.0.0.1:1/ {SECRET}"]
)
def test_an_address_that_is_none_is_refused_by_the_name_of_its_variable(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
    with pytest.raises(AlertError, match="RIS_ALERT_WEBHOOK") as error:
        send(ALERT)
    assert SECRET not in str(error.value)


def test_mail_goes_to_all_recipients_with_the_users_password(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box()
    options = {"auth_require_tls": False, "authenticator": box.authenticator}
    with mail_server(**options) as (found, address):
        monkeypatch.setenv("RIS_ALERT_SMTP_URL", f"smtp://me%40home:{SECRET}@{address}")
        monkeypatch.setenv("RIS_ALERT_SMTP_TO", "one@example.org, two@example.org")
        monkeypatch.setenv("RIS_ALERT_SMTP_FROM", "ris@example.org")
        assert send(ALERT) == ["one@example.org, two@example.org by mail server 127.0.0.1"]
        (envelope,) = found.messages
        assert box.users == [b"me@home"]
        assert envelope.rcpt_tos == ["one@example.org", "two@example.org"]
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content)
        assert message["Subject"] == ALERT.subject and message["From"] == "ris@example.org"
        assert "error: it broke" in message.get_payload()
        monkeypatch.setenv("RIS_ALERT_SMTP_URL", f"smtp://me:{SECRET}x@{address}")
        with pytest.raises(AlertError, match="refused user and password") as error:
            send(ALERT)
        assert SECRET not in str(error.value)


def test_mail_without_recipients_says_so_and_the_webhook_has_it_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_ALERT_SMTP_URL", "smtp://127.0.0.1:1")
    with webhook(path=SECRET) as (hook, url):
        monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
        with pytest.raises(AlertError, match="RIS_ALERT_SMTP_TO is not set"):
            send(ALERT)
    assert len(hook.posted) == 1


def test_passwords_in_addresses_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_ALERT_WEBHOOK", f"https://hooks.example.org/{SECRET}")
    text = without_secrets(f"postgresql://me:{SECRET}@db/x failed; https://hooks.example.org/{SECRET} too")
    assert text == "postgresql://***@db/x failed; (RIS_ALERT_WEBHOOK) too"


@pytest.fixture
def network(data_root: Path, tmp_path: Path) -> Iterator[Opened]:
    (tmp_path / "archive").mkdir()
    values = sds_values(tmp_path / "archive") | {"operations": {"attempts": 1}}
    with opened(write_yaml(tmp_path / "small.yaml", values)) as found:
        yield found


def told_of(network: Opened, result: dg.ExecuteInProcessResult) -> None:
    """Let the sensor see a failed run, as the daemon does."""
    run = network.instance.get_run_by_id(result.run_id)
    (event,) = [e for e in result.all_events if e.event_type == dg.DagsterEventType.RUN_FAILURE]
    assert run is not None
    sensor: Any = network.definitions.get_repository_def().get_sensor_def("failure_alert")
    context = dg.build_run_status_sensor_context("failure_alert", event, network.instance, run)
    sensor(context.for_run_failure())


def test_a_failed_block_is_told_with_its_station_days_and_where_to_look(
    network: Opened, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    result = network.run("process", **range_tags(STATIONS, DAYS[0], DAYS[0]))
    assert not result.success
    of_command = network.run("process", **range_tags(STATIONS, DAYS[0], DAYS[0]), **{PROCESS_TAG: this_process()})
    monkeypatch.setenv("RIS_DAGSTER_UI", "https://dagster.example.org/")
    with webhook(path=SECRET) as (hook, url):
        monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
        told_of(network, result)
        told_of(network, of_command)  # the command itself says it
    (posted,) = hook.posted
    assert posted["network"] == "small" and posted["job"] == "process"
    assert posted["block"] == "2020-03-01|AA ... 2020-03-01|BB"
    assert posted["failed"] == ["AA 2020-03-01", "BB 2020-03-01"]
    assert posted["given_up"] == posted["failed"]
    assert "given up: AA 2020-03-01, BB 2020-03-01" in posted["text"]
    assert posted["url"] == f"https://dagster.example.org/runs/{result.run_id}"
    for words in (
        "2 station-day(s) failed",
        "materialize raw_waveforms",
        "`ris status` lists what failed",
        posted["url"],
    ):
        assert words in posted["text"]
    logged = capfd.readouterr().err
    assert "2 station-day(s) failed" in logged and "what to do" in logged
    assert SECRET not in logged


def test_a_training_that_failed_is_told_with_its_partition_and_error(
    network: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = network.run(jobs.CLUSTERS, "2")
    with webhook(path=SECRET) as (hook, url):
        monkeypatch.setenv("RIS_ALERT_WEBHOOK", url)
        told_of(network, result)
    (posted,) = hook.posted
    assert posted["block"] == "2" and posted["failed"] == []
    assert "materialize latent_features first" in posted["text"]
    assert "start the run again" in posted["text"]

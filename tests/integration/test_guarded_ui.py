"""Real requests to a running `ris ui`: what a page of another web site tries, and what must still work.

Where Postgres is installed, the records of Dagster and MLflow lie in it.
"""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
import pytest
import requests
from builders import DAYS, opened, own_environment, ris, sds_values, write_archive, write_yaml
from dagster_graphql import DagsterGraphQLClient, ReloadRepositoryLocationStatus
from servers import Ui, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bench.postgres import Postgres, find_program, postgres_server
from ris_dagster.adapter.commands import DAEMON_MODULE

MUTATION = 'mutation {{ setConcurrencyLimit(concurrencyKey: "{0}", limit: 1) }}'
LIMITS = "{ instance { concurrencyLimits { concurrencyKey } } }"
NAME = "ris.example"
TWO = quote("query a { version } mutation b { " + MUTATION.format("bad").split("{", 1)[1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres | None]:
    """A Postgres server, if it is installed."""
    try:
        find_program("initdb")
    except FileNotFoundError:
        yield None
    else:
        with postgres_server() as server:
            yield server


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres | None) -> Iterator[Path]:
    """The settings of a network; the environment is set until the last test has ended."""
    root = tmp_path_factory.mktemp("guarded")
    archive = write_archive(root / "archive", ["AA"], DAYS[:1])
    with pytest.MonkeyPatch.context() as environment:
        own_environment(environment, root / "data")
        for name, value in (postgres.environment if postgres else {}).items():
            environment.setenv(name, value)
        yield write_yaml(root / "small.yaml", sds_values(archive, stations=["AA"], days=DAYS[:1]))


@pytest.fixture(scope="module")
def ui(config: Path) -> Iterator[Ui]:
    with served(config, "::1" if _has_ipv6() else "127.0.0.1", RIS_ALLOWED_HOSTS=NAME) as found:
        yield found


@pytest.fixture(scope="module")
def tracked(ui: Ui, config: Path) -> tuple[str, str]:
    """The experiment and a run that were recorded in MLflow while `ris ui` served."""
    with opened(config) as network:
        return network.tracking.prepare(), network.tracking.parent("aec_trials", "0123456789ab")


@pytest.fixture
def deployed(postgres: Postgres | None) -> Postgres:
    if postgres is None:
        pytest.skip("Postgres is not installed")
    return postgres


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def send(ui: Ui, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    """Send what no client library would, such as another `Host`."""
    address = urlsplit(ui.dagster)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in ({"Host": address.netloc, "Content-Length": str(len(body))} | headers).items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def ordered(ui: Ui) -> set[str]:
    """Return the limits that mutations have set."""
    answer = requests.post(f"{ui.dagster}/graphql", json={"query": LIMITS}, timeout=60).json()
    return {limit["concurrencyKey"] for limit in answer["data"]["instance"]["concurrencyLimits"]}


def json_of(key: str) -> str:
    return json.dumps({"query": MUTATION.format(key)})


OWN_TYPE = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ATTACKS: dict[str, Callable[[str], tuple[str, str, dict[str, str], str]]] = {
    "GET": lambda q: ("GET", f"/graphql?query={q}", {}, ""),
    "GET as a page": lambda q: ("GET", f"/graphql?query={q}", {"Accept": "text/html, */*"}, ""),
    "GET among operations": lambda q: ("GET", f"/graphql?query={TWO}&operationName=b", {}, ""),
    "GET with a line break": lambda q: ("GET", f"/graphql%0A?query={q}", {}, ""),
    "HEAD": lambda q: ("HEAD", f"/graphql?query={q}", {}, ""),
    "form in the address": lambda q: ("POST", f"/graphql?query={q}", FORM, ""),
    "form": lambda q: ("POST", "/graphql", FORM, f"query={q}"),
    "no type": lambda q: ("POST", f"/graphql?query={q}", {}, ""),
    "text": lambda q: ("POST", "/graphql", {"Content-Type": "text/plain; application/json"}, json_of("bad")),
    "foreign origin": lambda q: ("POST", "/graphql", OWN_TYPE | {"Origin": "http://evil.example"}, json_of("bad")),
    "null origin": lambda q: ("POST", "/graphql", OWN_TYPE | {"Origin": "null"}, json_of("bad")),
    "other port": lambda q: ("POST", "/graphql", OWN_TYPE | {"Origin": "http://127.0.0.1:1"}, json_of("bad")),
    "other site": lambda q: ("POST", "/graphql", OWN_TYPE | {"Sec-Fetch-Site": "cross-site"}, json_of("bad")),
    "referer": lambda q: ("POST", "/graphql", OWN_TYPE | {"Referer": "http://evil.example/x"}, json_of("bad")),
    "foreign host": lambda q: (
        "POST",
        "/graphql",
        OWN_TYPE | {"Host": "evil.example:3000", "Origin": "http://evil.example:3000"},
        json_of("bad"),
    ),
    "record": lambda q: ("POST", "/report_asset_materialization/labels?partition=2020-03-01%7CAA", {}, ""),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_foreign_page_can_give_an_order(ui: Ui, attack: str) -> None:
    method, path, headers, body = ATTACKS[attack](quote(MUTATION.format("bad")))
    status, text = send(ui, method, path, headers, body)
    assert status == {"foreign host": 421, "GET with a line break": 400}.get(attack, 403)
    assert method == "HEAD" or (text.startswith("refused: ") and text.count("\n") == 1)
    assert "bad" not in ordered(ui)


@pytest.mark.parametrize("path", ["/", "/server_info", "/runs", "/graphql", "/logs/x/y.err", "/favicon.ico"])
def test_a_foreign_host_is_given_nothing(ui: Ui, path: str) -> None:
    for method in ("GET", "HEAD"):
        assert send(ui, method, path, {"Host": "evil.example"})[0] == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (None, None),
        (NAME, f"https://{NAME}"),
        (f"{NAME}:8443", f"https://{NAME}:8443"),
        ("localhost", "http://localhost"),
        ("[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_its_own_page_may_give_orders(ui: Ui, host: str | None, origin: str | None) -> None:
    key = f"good-{len(origin or '')}"
    headers = {"Host": host or urlsplit(ui.dagster).netloc, "Origin": origin or ui.dagster}
    status, _ = send(ui, "POST", "/graphql", OWN_TYPE | headers | {"Sec-Fetch-Site": "same-origin"}, json_of(key))
    assert status == 200
    assert key in ordered(ui)
    assert send(ui, "GET", "/runs", {"Host": headers["Host"]})[0] == 200
    assert send(ui, "HEAD", "/server_info", {"Host": headers["Host"]})[0] == 200


def test_the_graphql_page_and_files_are_given_to_own_pages_alone(ui: Ui) -> None:
    assert "graphiql" in send(ui, "GET", "/graphql", {"Accept": "text/html"})[1]
    assert send(ui, "GET", "/logs/x/y.err", {"Sec-Fetch-Site": "same-origin"})[0] == 404
    assert send(ui, "GET", "/logs/x/y.err", {"Sec-Fetch-Site": "cross-site"})[0] == 403
    headers = requests.get(ui.dagster, timeout=60).headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_programs_of_this_machine_may_give_orders(ui: Ui) -> None:
    address = urlsplit(ui.dagster)
    client = DagsterGraphQLClient(address.netloc.rpartition(":")[0], port_number=address.port)
    # Definitions are loaded again by the code server, which runs beside the webserver.
    assert client.reload_repository_location("ris").status == ReloadRepositoryLocationStatus.SUCCESS
    deadline = time.monotonic() + 60
    while "repository" not in str(_location(ui)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert "__repository__" in str(_location(ui))


def _location(ui: Ui) -> object:
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
    return requests.post(f"{ui.dagster}/graphql", json={"query": query}, timeout=60).json()


def websocket(ui: Ui, origin: str | None, host: str | None = None) -> ClientConnection:
    address = urlsplit(ui.dagster)
    return connect(
        f"ws://{host or address.netloc}/graphql",
        address=(address.hostname, address.port),
        proxy=None,
        origin=origin,
        subprotocols=["graphql-ws"],
        open_timeout=60,
    )


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"])
def test_a_websocket_of_a_foreign_page_is_refused(ui: Ui, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        websocket(ui, origin)
    assert refused.value.response.status_code == 403
    assert refused.value.response.body.decode().startswith(f"refused: Origin '{origin}'")


def test_a_websocket_of_a_foreign_host_is_refused(ui: Ui) -> None:
    with pytest.raises(InvalidStatus) as refused:
        websocket(ui, "http://evil.example", "evil.example")
    assert refused.value.response.status_code == 421


@pytest.mark.parametrize("own", [True, False], ids=["own page", "program"])
def test_subscriptions_work(ui: Ui, own: bool) -> None:
    query = 'subscription { pipelineRunLogs(runId: "none") { __typename } }'
    with websocket(ui, ui.dagster if own else None) as opened:
        opened.send(json.dumps({"type": "connection_init", "payload": {}}))
        assert json.loads(opened.recv(60))["type"] == "connection_ack"
        opened.send(json.dumps({"type": "start", "id": "1", "payload": {"query": query}}))
        found = json.loads(opened.recv(60))
    assert found["type"] == "data"
    assert found["payload"]["data"]["pipelineRunLogs"]["__typename"] == "PipelineRunLogsSubscriptionFailure"


def test_mlflow_answers_to_the_same_hosts(ui: Ui) -> None:
    for host, status in ((NAME, 200), (f"{NAME}:443", 200), ("[::1]:5000", 200), ("10.evil.example", 403)):
        assert requests.get(ui.mlflow, headers={"Host": host}, timeout=60).status_code == status


def test_what_was_refused_stands_in_the_log(ui: Ui, tmp_path: Path) -> None:
    send(ui, "GET", "/?secret", {"Host": "unheard.example"})
    (log,) = ui.log.parent.rglob("dagster-server.log")
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "unheard.example" in line]
    assert lines
    assert "secret" not in "".join(lines)


def alive_of(ui: Ui) -> list[psutil.Process]:
    """Return the processes below `ris ui`, without the server that a reload has ended."""
    return [p for p in ui.process.children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def test_mlflow_lies_in_postgres_too_and_no_page_or_command_line_has_its_password(
    ui: Ui, tracked: tuple[str, str], deployed: Postgres
) -> None:
    commands = [" ".join(p.cmdline()) for p in (ui.process, *alive_of(ui))]
    assert [c for c in commands if deployed.password in c] == []
    assert [c for c in commands if "mlflow" in c]
    query = '{topLevelResourceDetailsOrError(resourceSelector: {resourceName: "tracking", repositoryName: '
    query += '"__repository__", repositoryLocationName: "ris"}) {... on ResourceDetails {configuredValues '
    query += "{key value}}}}"
    shown = requests.post(f"{ui.dagster}/graphql", json={"query": query}, timeout=60).text
    assert "postgresql+psycopg2://ris@127.0.0.1" in shown
    assert deployed.password not in shown
    experiment, run = tracked
    found = requests.get(f"{ui.mlflow}/api/2.0/mlflow/runs/get", params={"run_id": run}, timeout=60).json()
    assert found["run"]["info"]["experiment_id"] == experiment


def test_when_one_process_is_killed_all_end_and_it_is_named(ui: Ui) -> None:
    children = ui.process.children(recursive=True)
    (daemon,) = [child for child in alive_of(ui) if DAEMON_MODULE in child.cmdline()]
    daemon.kill()
    assert ui.process.wait(60) == 1
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    assert "Dagster's daemon ended (exit code -9); see " in ui.output()


def test_no_file_has_the_password_and_records_in_postgres_follow_the_data_root(
    ui: Ui, config: Path, tracked: tuple[str, str], deployed: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ui.process.is_running():  # a root is adopted when nothing works on it
        ui.process.terminate()
        ui.process.wait(60)
    data_root = config.parent / "data"
    assert not list(data_root.rglob("mlflow.db"))
    kept = [p for p in [*data_root.rglob("*"), ui.log] if p.is_file()]
    assert [p for p in kept if deployed.password.encode() in p.read_bytes()] == []
    # A place that does not fit into the records changes nothing.
    for place, said in (("a" * 180, r"but \w+\.\w+ of MLflow's database takes \d+"), ("moved", "was adopted")):
        data_root = data_root.rename(config.with_name(place))
        monkeypatch.setenv("RIS_DATA", str(data_root))
        assert "ris adopt" in ris("status", "-c", config).output
        assert re.search(said, ris("adopt", "-c", config).output)
    with opened(config) as network:
        assert network.tracking.prepare() == tracked[0]
        (moved,) = network.tracking._client().search_runs([tracked[0]])
        assert moved.info.run_id == tracked[1]
        assert moved.info.artifact_uri.startswith((data_root / "small" / "mlflow" / "artifacts").as_uri())

"""deploy/compose is a valid Compose file, and what it names is there. It is only read: nothing starts a container."""

import hashlib
import json
import re
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import typer.main
import yaml
from dagster_internals import dagster_commands

from ris_core.config import PROJECT_ROOT
from ris_core.web.guard import allowed_hosts
from ris_dagster.deployment import DEPLOYMENTS
from ris_dagster.instance import POSTGRES_VARIABLES

FOLDER = PROJECT_ROOT / "deploy" / "compose"
VENDORED = Path(__file__).parents[1] / "vendor" / "compose-spec"
TEXT = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "postgres"}


def test_it_is_valid_by_the_schema_of_the_compose_specification() -> None:
    said = json.loads((VENDORED / "VENDORED.json").read_text(encoding="utf-8"))
    assert "compose-spec" in said["source"] and said["licence"] == "Apache-2.0"
    assert "Apache License" in (VENDORED / "LICENSE").read_text(encoding="utf-8")
    content = (VENDORED / "compose-spec.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == said["sha256"]["compose-spec.json"]
    schema = json.loads(content)
    check = jsonschema.Draft7Validator(schema)
    assert list(check.iter_errors(COMPOSE)) == []
    for wrong in ({"services": {"a": {"image": "x", "ports": 3}}}, {"servicess": {}}):
        assert list(check.iter_errors(wrong))
    # The one keyword that is newer than draft 7: a service has no other keys than those that its parts name.
    service = schema["$defs"]["service"]
    assert service["unevaluatedProperties"] is False
    parts = [service, *(schema["$defs"][part["$ref"].removeprefix("#/$defs/")] for part in service["allOf"])]
    known = {name for part in parts for name in part.get("properties", {})}
    assert {name for each in SERVICES.values() for name in each} <= known


def test_it_has_all_services_once_and_one_image() -> None:
    assert set(OURS) == {"prepare", "mlflow", "scheduler", "worker", "code", "webserver", "daemon", "explorer"}
    assert {(s["image"], s["build"]["dockerfile"]) for s in OURS.values()} == {
        ("ris-dagster:local", "deploy/k8s/Dockerfile")
    }
    assert (FOLDER / OURS["code"]["build"]["context"] / OURS["code"]["build"]["dockerfile"]).is_file()
    assert OURS["worker"]["deploy"]["replicas"] == "${RIS_WORKERS:-2}"


def parsed(command: click.Command, arguments: list[str]) -> None:
    """Read options as the command would, down to its subcommand."""
    context = command.make_context("x", list(arguments), resilient_parsing=False)
    if isinstance(command, click.Group):
        rest = [*context.protected_args, *context.args]
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        parsed(found, rest)


def tried(module: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a server's `main` up to where it would listen."""
    served: list[object] = []
    monkeypatch.setattr("sys.argv", [module, *arguments])
    main = import_module("ris_explorer.__main__" if module == "ris_explorer" else module)
    stands_in = {"serve": lambda *given: served.append(given), "web_app": lambda *given: None}
    for name, function in stands_in.items():
        if hasattr(main, name):
            monkeypatch.setattr(main, name, function)
    monkeypatch.setattr("uvicorn.run", lambda *given, **more: served.append(given))
    main.main()
    assert len(served) == 1


@pytest.mark.parametrize("name", OURS)
def test_each_command_exists_and_takes_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *arguments = OURS[name]["command"]
    if program == "python":
        monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "sqlite:///x")
        assert arguments[0] == "-m"
        tried(arguments[1], arguments[2:], monkeypatch)
    elif program == "ris":
        from ris_dagster.cli import app

        parsed(typer.main.get_command(app), arguments)
    elif program == "dask":
        (entry,) = entry_points(group="dask_cli", name=arguments[0])
        parsed(entry.load(), arguments[1:])
    else:
        commands = dagster_commands()
        local = [str(FOLDER / Path(part).name) if part.endswith(".yaml") else part for part in arguments]
        parsed(commands[program], local)


def test_every_variable_is_one_that_something_reads() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for package in ("ris_core", "ris_dagster", "ris_explorer")
        for path in (PROJECT_ROOT / package).rglob("*.py")
    )
    environments = [dict(service.get("environment", {})) for service in OURS.values()]
    for name in {name for environment in environments for name in environment} - set(POSTGRES_VARIABLES):
        assert name in source or name == "DAGSTER_HOME", name
    for name in ("code", "daemon", "webserver", "prepare"):
        environment = OURS[name]["environment"]
        assert set(POSTGRES_VARIABLES) <= set(environment)
        assert environment["RIS_DEPLOYMENT"] in DEPLOYMENTS


def test_addresses_lead_to_services_and_their_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    def option(name: str, option: str) -> str:
        command = SERVICES[name]["command"]
        return str(command[command.index(option) + 1])

    environment = OURS["code"]["environment"]
    assert environment["MLFLOW_TRACKING_URI"] == f"http://mlflow:{option('mlflow', '--port')}"
    assert environment["RIS_DASK_ADDRESS"] == f"tcp://scheduler:{option('scheduler', '--port')}"
    assert environment["RIS_DASK_ADDRESS"] in OURS["worker"]["command"]
    assert option("explorer", "--dagster-here") == f"http://webserver:{option('webserver', '--port')}"
    (location,) = yaml.safe_load((FOLDER / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert location["grpc_server"] == {"host": "code", "port": int(option("code", "--port")), "location_name": "ris"}
    # The explorer asks the webserver by its name.
    monkeypatch.setenv("RIS_ALLOWED_HOSTS", "webserver")
    assert OURS["webserver"]["environment"]["RIS_ALLOWED_HOSTS"].startswith("webserver,")
    assert "webserver" in allowed_hosts("0.0.0.0")  # noqa: S104
    for name in ("mlflow", "webserver", "explorer"):
        (published,) = OURS[name]["ports"]
        assert published.endswith(f":{option(name, '--port')}")


def test_nothing_is_open_to_other_machines_and_no_password_is_a_default() -> None:
    for name, service in SERVICES.items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for variable, value in dict(service.get("environment", {})).items():
            if "PASSWORD" in variable and not variable.startswith("RIS_FDSN"):
                assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", value), (name, variable)
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "scheduler"):
        assert SERVICES[name]["networks"] == ["inside"] and "ports" not in SERVICES[name]


def test_the_example_environment_names_every_variable_and_no_password() -> None:
    example = (FOLDER / "environment.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^(\w+)=(.*)$", example, flags=re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)", TEXT)) == set(named)
    assert named["POSTGRES_PASSWORD"] == ""
    ignored = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "**/.env" in ignored
    assert "global-exclude .env" in (PROJECT_ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    assert '".env"' in (PROJECT_ROOT / "setup.py").read_text(encoding="utf-8")  # the wheel takes all else of deploy/


def test_what_others_wait_for_says_when_it_is_ready() -> None:
    for name, service in SERVICES.items():
        for other, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], (name, other)
            else:
                assert (condition["condition"], SERVICES[other]["restart"]) == ("service_completed_successfully", "no")
    volumes = {v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if v[0] not in "./$"}
    assert volumes == set(COMPOSE["volumes"])

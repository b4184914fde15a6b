"""The files of deploy/ fit each other and what reads them. Helm and Kubernetes are not here: they are only read."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ris_core.config import PROJECT_ROOT
from ris_dagster.dask_adapter.quiet_cluster import QUIET
from ris_dagster.dask_adapter.worker_memory import WORKER_ENVIRONMENT
from ris_dagster.deployment import DEPLOYMENTS

DEPLOY = PROJECT_ROOT / "deploy"
K8S = DEPLOY / "k8s"


def manifests() -> dict[tuple[str, str], dict[str, Any]]:
    text = (K8S / "platform.yaml").read_text(encoding="utf-8")
    return {(m["kind"], m["metadata"]["name"]): m for m in yaml.safe_load_all(text)}


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((K8S / "values.yaml").read_text(encoding="utf-8"))
    return found


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    spec = manifest["spec"]
    pods = [spec["template"]] if "template" in spec else [spec[n] for n in ("worker", "scheduler") if n in spec]
    return [container for pod in pods for container in pod["spec"]["containers"]]


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda p: str(p.relative_to(DEPLOY)))
def test_every_yaml_file_can_be_read(path: Path) -> None:
    assert all(isinstance(part, dict) for part in yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_every_deployment_has_a_folder_with_its_files() -> None:
    for name in DEPLOYMENTS:
        for part in name.split("+"):
            assert any((DEPLOY / part).iterdir()), part


def test_the_code_location_of_the_chart_finds_dask_mlflow_and_its_volume() -> None:
    (location,) = values()["dagster-user-deployments"]["deployments"]
    environment = {e["name"]: e["value"] for e in location["env"]}
    platform = manifests()
    _, host, port = re.split(r"://|:", environment["RIS_DASK_ADDRESS"])
    # The operator names the service of a cluster after it.
    cluster = platform["DaskCluster", host.removesuffix("-scheduler")]
    assert int(port) in {p["port"] for p in cluster["spec"]["scheduler"]["service"]["ports"]}
    _, host, port = re.split(r"://|:", environment["MLFLOW_TRACKING_URI"])
    assert int(port) in {p["port"] for p in platform["Service", host]["spec"]["ports"]}
    assert environment["RIS_DEPLOYMENT"] in DEPLOYMENTS
    claims = [v["persistentVolumeClaim"]["claimName"] for v in location["volumes"] if "persistentVolumeClaim" in v]
    assert all(("PersistentVolumeClaim", claim) in platform for claim in claims)
    mounted = {mount["name"]: mount["mountPath"] for mount in location["volumeMounts"]}
    assert environment["RIS_DATA"] == mounted["data"]
    assert Path(environment["RIS_CONFIG"]).parent == Path(mounted["settings"])


def test_one_image_and_one_version_serve_all() -> None:
    (location,) = values()["dagster-user-deployments"]["deployments"]
    image = f"{location['image']['repository']}:{location['image']['tag']}"
    used: set[str] = set()
    for (kind, _), manifest in manifests().items():
        if kind in ("Deployment", "DaskCluster"):
            used |= {c["image"] for c in containers(manifest)}
    assert used == {image}
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert location["image"]["tag"] == project["version"]


def test_the_webserver_of_the_chart_is_the_guarded_one_of_our_image(monkeypatch: pytest.MonkeyPatch) -> None:
    from ris_dagster import webserver

    found = values()
    (location,) = found["dagster-user-deployments"]["deployments"]
    chart = found["dagsterWebserver"]
    assert chart["image"] == location["image"]
    assert chart["readinessProbe"]["httpGet"] == {"path": "/server_info", "port": chart["service"]["port"]}
    script = (K8S / "dagster-webserver").read_text(encoding="utf-8")
    assert script == '#!/bin/sh\nexec python -m ris_dagster.webserver "$@"\n'
    asked = []
    monkeypatch.setattr(webserver, "serve", lambda *arguments: asked.append(arguments))
    # The command of the chart (helm/dagster/templates/helpers/_helpers.tpl) with these values.
    command = f"dagster-webserver -h 0.0.0.0 -p {chart['service']['port']} -w /dagster-workspace/workspace.yaml"
    monkeypatch.setattr("sys.argv", command.split())
    webserver.main()
    assert asked == [("0.0.0.0", 3000, Path("/dagster-workspace/workspace.yaml"))]  # noqa: S104


def test_no_manifest_holds_a_secret_or_opens_a_page_to_the_world() -> None:
    for (kind, name), manifest in manifests().items():
        assert kind not in ("Secret", "Ingress"), name
        assert manifest["spec"].get("type", "ClusterIP") == "ClusterIP", name
        for container in containers(manifest) if kind in ("Deployment", "DaskCluster") else []:
            plain = {e["name"] for e in container.get("env", []) if "value" in e}
            assert not [n for n in plain if re.search("PASSWORD|TOKEN|SECRET|STORE_URI", n)]
    found = values()
    assert "postgresqlPassword" not in found["postgresql"]
    assert not found["generatePostgresqlPasswordSecret"]
    assert not found["ingress"]["enabled"]
    assert found["dagsterWebserver"]["service"]["type"] == "ClusterIP"


def test_the_image_is_built_from_what_is_there_and_does_not_run_as_root() -> None:
    text = (K8S / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    instructions = [word for word, _ in lines]
    assert set(instructions) <= {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "CMD"}
    assert (instructions[0], instructions[-1]) == ("FROM", "CMD")
    for source in [rest.split()[0] for word, rest in lines if word == "COPY"]:
        assert (PROJECT_ROOT / source).exists()
    assert next(rest for word, rest in lines if word == "USER") not in ("root", "0")
    extras = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (asked,) = re.findall(r"'\.\[(\w+)\]'", text)
    assert asked in extras["optional-dependencies"]


def test_the_example_environment_names_what_postgres_needs() -> None:
    from ris_dagster.instance import POSTGRES_VARIABLES
    from ris_dagster.resources.mlflow_store import MLFLOW_VARIABLES

    text = (DEPLOY / "postgres" / "environment.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^(\w+)=", text, flags=re.MULTILINE))
    assert set(POSTGRES_VARIABLES) <= named
    assert set(MLFLOW_VARIABLES) & named


def test_workers_of_every_deployment_start_with_the_memory_settings_of_local_ones() -> None:
    """Without them a station-day takes longer, and nothing says so."""
    own = yaml.safe_load((DEPLOY / "dask" / "dask.yaml").read_text(encoding="utf-8"))
    slurm = yaml.safe_load((DEPLOY / "slurm" / "jobqueue.yaml").read_text(encoding="utf-8"))
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    (worker,) = (c for c in containers(manifests()["DaskCluster", "ris-dask"]) if c["name"] == "worker")
    found = {
        "dask": own["distributed"]["nanny"]["pre-spawn-environ"],
        "k8s": {e["name"]: e["value"] for e in worker["env"]},
        "compose": compose["services"]["worker"]["environment"],
    }
    for name, environment in found.items():
        assert {k: str(environment[k]) for k in WORKER_ENVIRONMENT} == WORKER_ENVIRONMENT, name
    (line,) = slurm["jobqueue"]["slurm"]["job-script-prologue"]
    assert line == "export " + " ".join(f"{name}={value}" for name, value in sorted(WORKER_ENVIRONMENT.items()))


def test_workers_that_users_start_are_as_quiet_as_local_ones() -> None:
    own = yaml.safe_load((DEPLOY / "dask" / "dask.yaml").read_text(encoding="utf-8"))["distributed"]
    assert own["worker"]["profile"] == QUIET["distributed"]["worker"]["profile"]
    assert own["admin"] == QUIET["distributed"]["admin"]

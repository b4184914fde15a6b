"""Plug-ins are loaded wherever settings are read, and what cannot be loaded is said."""

from pathlib import Path

import amplitude_detector
import pytest
from builders import sds_values, write_yaml
from plugin_builders import install_plugin, with_plugins

from ris_core.config import load_settings
from ris_core.plugins import Plugin

REGISTRY = """
from ris_core.plugins import plugin_being_loaded
BELLS = {"small": "None"}
def add(name):
    BELLS[name] = str(plugin_being_loaded())
print("made")
"""
AS_FUNCTION = """
from bells_registry import add
def register():
    add("large")
"""
AS_MODULE = """
from bells_registry import add
add("huge")
"""
READ = """
from concurrent.futures import ThreadPoolExecutor
from ris_core.config import Settings, load_settings
from ris_core.plugins import load_plugins
settings = load_settings({config!r})
with ThreadPoolExecutor(4) as pool:
    again = list(pool.map(lambda _: Settings.model_validate_json(settings.model_dump_json()), range(4)))
from bells_registry import BELLS
print(BELLS)
print([str(found) for found in load_plugins()])
"""


RIS = "from ris_dagster.cli import app; app()"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return write_yaml(tmp_path / "small.yaml", sds_values(tmp_path / "archive"))


def test_functions_and_modules_add_members_once_before_settings_are_read(tmp_path: Path, config: Path) -> None:
    folder = tmp_path / "site"
    install_plugin(folder, "bells", "1.2", "large = bells:register", {"bells": AS_FUNCTION, "bells_registry": REGISTRY})
    install_plugin(folder, "huge-bells", "0.3", "huge = huge_bells", {"huge_bells": AS_MODULE})
    done = with_plugins(folder, "-c", READ.format(config=str(config)))
    assert done.stdout.splitlines() == [
        "made",
        "{'small': 'None', 'large': 'large of bells 1.2', 'huge': 'huge of huge-bells 0.3'}",
        "['large of bells 1.2', 'huge of huge-bells 0.3']",
    ], done.stderr


def test_settings_from_json_load_plugins_as_well(tmp_path: Path, config: Path) -> None:
    text = load_settings(config).model_dump_json()
    folder = install_plugin(tmp_path / "site", "bells", "1.2", "large = bells", {"bells": "print('loaded')"})
    done = with_plugins(
        folder, "-c", f"from ris_core.config import Settings; Settings.model_validate_json({text!r}); print('read')"
    )
    assert done.stdout.split() == ["loaded", "read"], done.stderr


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import a_module_that_is_absent", "No module named 'a_module_that_is_absent'"),
        ("raise SystemExit('not today')", "SystemExit: not today"),
        ("def other(): pass", "has no attribute 'register'"),
        ("def register(): raise OSError('no licence')", "OSError: no licence"),
    ],
)
def test_a_plugin_that_fails_is_an_error_with_its_distribution_and_the_remedy(
    tmp_path: Path, config: Path, source: str, why: str
) -> None:
    folder = install_plugin(tmp_path / "site", "bells", "1.2", "large = bells:register", {"bells": source})
    done = with_plugins(folder, "-c", RIS, "check-config", "-c", config)
    assert done.returncode == 2, done.stdout
    assert "the plug-in large of bells 1.2 (bells:register) cannot be loaded" in done.stdout
    assert why in done.stdout
    assert "pip uninstall bells" in done.stdout


def test_the_first_error_of_a_plugin_is_said_again(tmp_path: Path, config: Path) -> None:
    both = {"bells": AS_FUNCTION + "    raise OSError('no licence')", "bells_registry": REGISTRY}
    folder = install_plugin(tmp_path / "site", "bells", "1.2", "large = bells:register", both)
    twice = f"""
from ris_core.config import load_settings
for _ in range(2):
    try:
        load_settings({str(config)!r})
    except RuntimeError as error:
        print("no licence" in str(error))
"""
    assert with_plugins(folder, "-c", twice).stdout.split() == ["made", "True", "True"]


def test_check_config_lists_plugins(tmp_path: Path, config: Path) -> None:
    folder = install_plugin(tmp_path / "site", "bells", "1.2", "large = bells", {"bells": ""})
    assert "plug-in large of bells 1.2" in with_plugins(folder, "-c", RIS, "check-config", "-c", config).stdout


def test_plugins_are_named_with_their_version() -> None:
    assert str(Plugin("bells", "1.2", "large")) == "large of bells 1.2"


MEMBER = """
from typing import Literal
from ris_core.config import CLUSTERERS
from ris_core.section import Section
class BellSettings(Section):
    kind: Literal["bell"] = "bell"
    tone: int = 1
def register():
    CLUSTERERS.add(BellSettings, "bells:Bell")
"""
DIGESTS = """
from ris_core.config import CLUSTERERS, load_settings
settings = load_settings({config!r})
print(settings.clusterer_of("bell"), CLUSTERERS.plugin("bell"), CLUSTERERS.plugin("gmm"))
print(settings.clusterer_digest("bell"), settings.clusterer_digest("gmm"))
"""


def test_settings_name_what_a_plugin_adds_and_its_version_is_part_of_the_digest(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    values = sds_values(tmp_path / "archive") | {"candidates": ["aec/dec", "spectra/bell"]}
    config = write_yaml(tmp_path / "small.yaml", values)
    said = []
    for version in ("1.2", "1.3"):
        folder = install_plugin(tmp_path / version, "bells", version, "bell = bells:register", {"bells": MEMBER})
        done = with_plugins(folder, "-c", DIGESTS.format(config=str(config)))
        found, digests = done.stdout.splitlines()
        assert found == f"kind='bell' tone=1 bell of bells {version} None", done.stderr
        said.append(digests.split())
    assert said[0][0] != said[1][0]
    assert said[0][1] == said[1][1]


DETECTOR = """
from ris_core.config import load_settings
settings = load_settings({config!r})
import json
print(settings.detector.method, json.loads(settings.processing_json()).get("detector_plugin"))
print(settings.process_digest())
"""


def test_products_of_a_detector_of_a_plugin_say_its_version_and_are_out_of_date_with_another(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    of_plugin = write_yaml(
        tmp_path / "other.yaml", sds_values(tmp_path / "archive") | {"detector": {"method": "amplitude"}}
    )
    own = write_yaml(tmp_path / "own.yaml", sds_values(tmp_path / "archive"))
    source = Path(amplitude_detector.__file__).read_text()
    said = {}
    for version in ("1.2", "1.3"):
        entry = "loud = amplitude_detector:register"
        folder = install_plugin(tmp_path / version, "loud", version, entry, {"amplitude_detector": source})
        for name, config in (("amplitude", of_plugin), ("recursive", own)):
            done = with_plugins(folder, "-c", DETECTOR.format(config=str(config)))
            found, digest = done.stdout.splitlines()
            assert found == f"{name} {'loud of loud ' + version if name == 'amplitude' else None}", done.stderr
            said[name, version] = digest
    assert said["amplitude", "1.2"] != said["amplitude", "1.3"]
    assert said["recursive", "1.2"] == said["recursive", "1.3"] == load_settings(own).process_digest()


LABEL_DIGEST = """
from ris_core.clustering.champion import Champion, label_digest
from ris_core.config import LabellingSettings
of = Champion(2, "v", "o", (0, 1), 2, {{}}, {{}}, "n", plugins={plugins!r})
print(label_digest(of, LabellingSettings()))
"""


def test_labels_by_the_code_of_a_plugin_are_out_of_date_with_another_version_of_it(tmp_path: Path) -> None:
    said = {}
    for version in ("1.2", "1.3"):
        folder = install_plugin(tmp_path / version, "bells", version, "bell = bells", {"bells": ""})
        for plugins in ((), ("bell of bells",), ("whistle of bells",)):
            done = with_plugins(folder, "-c", LABEL_DIGEST.format(plugins=plugins))
            said[plugins, version] = done.stdout.strip()
            assert said[plugins, version], done.stderr
    assert said[(), "1.2"] == said[(), "1.3"] == said[("whistle of bells",), "1.2"]
    assert len({said[(), "1.2"], said[("bell of bells",), "1.2"], said[("bell of bells",), "1.3"]}) == 3


def test_mlflow_runs_are_tagged_with_the_versions_of_plugins(tmp_path: Path) -> None:
    folder = install_plugin(tmp_path / "site", "bells", "1.2", "large = bells", {"bells": ""})
    tags = "from ris_dagster.resources.environment import environment_tags; print(environment_tags('cpu'))"
    assert "'env.plugin.bells.large': '1.2'" in with_plugins(folder, "-c", tags).stdout

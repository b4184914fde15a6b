"""What is said of settings that YAML reads as something else, that cannot be read, or that are misspelt."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
import yaml
from waveform_builders import settings_values

from ris_core.config import SettingsError, load_settings

TEXT = yaml.safe_dump(settings_values(), sort_keys=False)
LINES = TEXT.count("\n")
FIRST_DAY = next(n for n, line in enumerate(TEXT.splitlines(), 1) if line.startswith("first_day"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def refusal(path: Path, content: str | bytes) -> str:
    """Return what is said of settings without their file; no secret is in it, nor in what a traceback shows."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as refused:
        load_settings(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "secret" not in "".join(traceback.format_exception(refused.value))
    assert len(said) < 12_000
    return said.removeprefix(f"{path}: ")


def first_day(written: str) -> str:
    return (
        "\n".join(f"first_day: {written}" if line.startswith("first_day") else line for line in TEXT.splitlines())
        + "\n"
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "2015-02-30",
            "first_day = 2015-02-30: there is no such date (day is out of range for month); write YEAR-MONTH",
        ),
        ("2015-13-01", "first_day = 2015-13-01: there is no such date (month must be in 1..12); write YEAR-MONTH-DAY"),
        ("'2015-02-30'", "first_day = '2015-02-30': a date is required, YEAR-MONTH-DAY, for example 2015-01-31"),
        ("!!bool maybe", "first_day = maybe: this cannot be read as true or false (!!bool)"),
        ("!!int x", "first_day = x: this cannot be read as a whole number (!!int)"),
        ("!!float x", "first_day = x: this cannot be read as a number (!!float)"),
        ("!own x", "first_day: the tag !own is not allowed; leave it out"),
        ("!!python/object/apply:os.getcwd []", "first_day: the tag !!python/object/apply:os.getcwd is not allowed"),
        ("!!binary aGk=", "first_day: the tag !!binary is not allowed"),
        ("!!set {a}", "first_day: the tag !!set is not allowed"),
        ("!!seq x", "first_day = x: this cannot be !!seq"),
        ("!!map [x]", "first_day: a list cannot be !!map"),
        ("!!seq {x: 1}", "first_day: keys with values cannot be !!seq"),
        ("=", "first_day: '=' has a special meaning in YAML; put it in quotes"),
        ("&a [*a]", "what is named here with '&' contains itself ('*')"),
        ("9" * 5000, "this cannot be read as a whole number (!!int)"),
        (
            "NO",
            "first_day = NO: a date is required, YEAR-MONTH-DAY, for example 2015-01-31, but YAML reads this as false",
        ),
        ("0", "first_day = 0: YAML reads this as the number 0, but a date is required"),
        ("!<https://u:secret@h> x", "first_day: the tag https://***@h is not allowed"),
        ("https://u:secret@h", "first_day = 'https://***@h': a date is required"),
        ("[https://u:secret@h]", "first_day = ['https://***@h']: a date is required"),
        ("!!bool https://u:" + "secret" * 50 + "@h", "first_day = https://***@h: this cannot be read as true or false"),
    ],
)
def test_what_yaml_cannot_read_is_said_with_line_and_key(path: Path, written: str, said: str) -> None:
    text = first_day(written)
    if written == "0":
        text = text.replace("kind: synthetic", "kind: sds\n  root: /archive").replace("last_day", "# last_day")
    found = refusal(path, text)
    assert f"line {FIRST_DAY}: " in found
    assert said in found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NO", "false"),
        ("no", "false"),
        ("on", "true"),
        ("00", "the number 0"),
        ("10", "the number 10"),
        ("1_0", "the number 10"),
        (".5", "the number 0.5"),
        (".inf", "the number inf"),
        ("2015-01-01", "the date 2015-01-01"),
        ("~", "nothing (null)"),
        ("null", "nothing (null)"),
        ("0x1F", "the number 31"),
    ],
)
@pytest.mark.parametrize("key", ["location", "network.code", "stations.1.code"])
def test_text_that_yaml_reads_as_something_else_wants_quotes(path: Path, key: str, written: str, read: str) -> None:
    lines = {
        "location": (TEXT + "location: PUT\n", LINES + 1),
        "network.code": (TEXT.replace("  code: XX", "  code: PUT"), 3),
        "stations.1.code": (TEXT.replace("code: S02", "code: PUT"), 8),
    }
    text, line = lines[key]
    assert f"\n  line {line}: {key} = {written}: " in (found := refusal(path, text.replace("PUT", written)))
    assert f"YAML reads this as {read}; put it in quotes: '{written}'" in found


def test_codes_in_quotes_are_text(path: Path) -> None:
    text = TEXT.replace("code: S01", "code: '010'").replace("code: S02", "code: 'NO'") + "location: '00'\n"
    path.write_text(text, encoding="utf-8")
    settings = load_settings(path)
    assert [station.code for station in settings.stations] == ["010", "NO"]
    assert settings.location == "00"


@pytest.mark.parametrize(
    ("written", "number", "advice"),
    [
        ("010", "8", "without leading zeros"),
        ("030", "24", "without leading zeros"),
        ("0_10", "8", "without leading zeros"),
        ("12:30", "750", "in one unit"),
        ("1:30.5", "90.5", "in one unit"),
        ("-1:30", "-90", "in one unit"),
    ],
)
@pytest.mark.parametrize("key", ["location", "detector.lta"])
def test_a_number_that_is_read_as_another_is_refused_everywhere(
    path: Path, key: str, written: str, number: str, advice: str
) -> None:
    text = TEXT + (f"location: {written}\n" if key == "location" else f"detector:\n  lta: {written}\n")
    found = refusal(path, text)
    assert f"line {text.count(chr(10))}: {key} = {written}: YAML reads this as the number {number}" in found
    assert f"put it in quotes if it is text ('{written}'), or write the number {advice}" in found


@pytest.mark.parametrize(
    ("key", "wanted"), [("seed: no", "seed = no"), ("events_per_day: yes", "events_per_day = yes")]
)
def test_yes_and_no_are_no_numbers(path: Path, key: str, wanted: str) -> None:
    found = refusal(path, TEXT.replace("kind: synthetic", f"kind: synthetic\n  {key}"))
    assert f"{wanted}: YAML reads this as " in found
    assert found.endswith("but a number is required")


@pytest.mark.parametrize(
    ("added", "line", "said"),
    [
        (
            "detector:\n  treshold_on: 15\n",
            2,
            "detector.treshold_on: this key is not known; did you mean 'threshold_on'?",
        ),
        ("detector: {Sta: 1}\n", 1, "detector.Sta: this key is not known; did you mean 'sta'?"),
        (
            "aec:\n  grid:\n    batchsize: [1]\n",
            3,
            "aec.grid.batchsize: this key is not known; did you mean 'batch_size'?",
        ),
        ("sta: 1\n", 1, "sta: this key is not known here; did you mean detector.sta?"),
        ("colour: red\n", 1, "colour: this key is not known; known here: aec, attributes, candidates, "),
        ("7: red\n", 1, "7: this key is not known; known here: "),
        ("detector:\n  https://u:secret@h: 1\n", 2, "detector.https://***@h: this key is not known"),
        ("on: 1\n", 1, "YAML reads the key on as true; write 'on' in quotes"),
        ("2015-01-01: 1\n", 1, "YAML reads the key 2015-01-01 as the date 2015-01-01"),
        ("? [a]\n: 1\n", 1, "a key is a list, but must be a name"),
        ("? {a: 1}\n: 1\n", 1, "a key is a mapping, but must be a name"),
        ("detector:\n  <<: 3\n", 2, "detector: '<<' takes a mapping or a list of them"),
        ("detector: {sta: 1, sta: 2}\n", 1, "the key 'sta' is given twice"),
        ("detector:\n\tsta: 1\n", 2, "found character '\\t' that cannot start any token"),
        ("detector: *none\n", 1, "found undefined alias 'none'"),
        ("---\nnetwork: 1\n", 1, "a second document begins ('---'); settings are one"),
        ("a: \x00\n", 1, "the character U+0000 is not allowed"),
        ('a: "\x07"\n', 1, "the character U+0007 is not allowed"),
        ('a: "' + "x" * 90 + ' https://u:secret@h" b\n', 1, "expected <block end>, but found '<scalar>'"),
        ("a: https://u:secret@h: b\n", 1, "mapping values are not allowed here"),
        ("champion: {names: {1: NO}}\n", 1, "champion.names.1 = NO: "),
        ("training_set:\n  held_out_stations:\n  - S01\n  - 201\n", 4, "training_set.held_out_stations.1 = 201: "),
    ],
)
def test_a_key_or_line_that_cannot_be_used_is_named(path: Path, added: str, line: int, said: str) -> None:
    found = refusal(path, TEXT + added)
    assert f"line {LINES + line}" in found
    assert said in found


def test_keys_of_a_source_are_those_of_its_kind(path: Path) -> None:
    text = TEXT.replace("kind: synthetic", "kind: fdsn\n  povider: https://u:secret@h\n  timeout: https://u:secret@h")
    found = refusal(path, text)
    assert "source.povider: this key is not known; did you mean 'provider'?" in found
    assert "source.timeout = 'https://***@h': give a number in s" in found
    found = refusal(path, TEXT.replace("kind: synthetic", "kind: fdsn\n  provider: [https://u:secret@h]"))
    assert "source.provider = ['https://***@h']: Input should be a valid string" in found
    found = refusal(path, TEXT.replace("kind: synthetic", "kind: fdsn\n  sed: 1"))
    assert "source.sed: this key is not known; known here: attempts, " in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT.encode() + b"# caf\xe9\n", f"line {LINES + 1}: byte 0xe9 is not text in utf-8; save the file as UTF-8"),
        (TEXT.encode("utf-16")[:-1], "is not text in utf-16-le; save the file as UTF-8"),
        (TEXT.encode() + b"#" * 1_000_001, "larger than 1 MB, too large for a settings file; give the path"),
        (TEXT + "detector: " + "[" * 1000, f"line {LINES + 1}: nested more than 50 deep"),
        (TEXT + "detector: " + "{a: " * 1000, f"line {LINES + 1}: nested more than 50 deep"),
        (TEXT + "k: [" + "x," * 60_000 + "]", f"line {LINES + 1}: more than 50000 keys and values"),
        (TEXT + "".join(f"k{n}: 1\n" for n in range(50)), "and 30 more"),
    ],
)
def test_what_is_no_settings_file_is_said_at_once(path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(path, content)


@pytest.mark.parametrize(
    "bomb",
    [
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)),
        "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 60)),
    ],
    ids=["lists", "merges"],
)
def test_aliases_that_stand_for_too_much_are_refused(path: Path, bomb: str) -> None:
    assert "with its aliases ('*') this stands for more than 50000 values" in refusal(path, TEXT + bomb)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_text_with_a_mark_of_its_encoding_is_read(path: Path, encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + TEXT.encode(encoding))
    assert load_settings(path).network.name == "test"


def test_keys_are_merged_as_yaml_says(path: Path) -> None:
    text = TEXT + "detector: &d\n  <<: {sta: 1, lta: 20}\n  sta: 0.5\n"
    path.write_text(text, encoding="utf-8")
    detector = load_settings(path).detector
    assert (detector.sta, detector.lta) == (0.5, 20.0)
    found = refusal(path, text + "response:\n  <<: *d\n")
    assert f"line {LINES + 2}: response.lta: this key is not known here; did you mean detector.lta?" in found
    assert "is given twice" not in found


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent", Path("a\0b")):
        with pytest.raises(SettingsError, match="set RIS_CONFIG"):
            load_settings(place)

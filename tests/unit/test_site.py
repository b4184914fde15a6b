"""What the hooks of mkdocs add to the site: outputs of tutorials, words of the glossary, a check of all links."""

import ast
import base64
import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).parents[2]
pytest.importorskip("mkdocs", reason="mkdocs is absent; make docs installs it")
sys.path.insert(0, str(ROOT / "docs"))

site_links, site_notebooks, site_words = map(import_module, ("site_links", "site_notebooks", "site_words"))

NAV = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
PNG = b"\x89PNG a picture"


def page(name: str) -> SimpleNamespace:
    return SimpleNamespace(file=SimpleNamespace(src_uri=name))


def code(source: str, *outputs: dict) -> dict:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


@pytest.fixture
def notebook() -> dict:
    style = "<style scoped>\n    .x {}\n</style>"
    table = f'<div>\n{style}\n<table border="1" class="dataframe">\n\n<tr></tr></table></div>'
    picture = base64.b64encode(PNG).decode()
    return {
        "cells": [
            {
                "cell_type": "markdown",
                "source": "# Title\n\nSee [settings](settings.md), [us](https://a.org).\n![x](y.png)",
            },
            code("%%bash\nris status", {"output_type": "stream", "text": "4 station-days\n"}),
            code("1", {"data": {"text/html": table, "text/plain": "1"}}, {"data": {"image/png": picture}}),
        ]
    }


def test_outputs_of_a_tutorial_are_below_their_code_and_it_is_offered_as_a_notebook(notebook, monkeypatch):
    monkeypatch.setitem(site_notebooks._notebooks, "first.md", notebook)
    text = site_notebooks.on_page_markdown("unused", page("first.md"))
    parts = [
        "# Title\n",
        '<a href="first.ipynb" download>',
        "```bash\nris status\n```",
        "4 station-days",
        "```python\n1\n```",
        "<div><table><tr></tr></table></div>",
        "![What the code above draws](images/first_1.png)",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "%%bash" not in text and "style" not in text
    assert list(site_notebooks._pictures(notebook)) == [PNG]
    (about, *_) = site_notebooks._alone(notebook)["cells"]
    assert about["source"] == "# Title\n\nSee settings, [us](https://a.org).\n"
    assert site_notebooks.on_page_markdown("as it is", page("other.md")) == "as it is"


def test_the_tutorials_that_are_run_are_those_of_the_site():
    code = ast.parse((ROOT / "bench" / "tutorials.py").read_text(encoding="utf-8"))
    (ran,) = (
        ast.literal_eval(line.value)
        for line in code.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "TUTORIALS"
    )
    assert list(ran) == site_notebooks.tutorials(NAV)
    assert "-m bench.tutorials" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_tutorial_that_was_not_run_as_it_reads_is_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(site_notebooks, "NOTEBOOKS", tmp_path)
    (tmp_path / "your_archive.ipynb").write_text(json.dumps({"metadata": {"page": "of an earlier text"}, "cells": []}))
    site_notebooks.on_files(files := [], SimpleNamespace(docs_dir=str(ROOT / "docs"), nav=NAV))
    assert files == []
    said = [record.getMessage() for record in caplog.records]
    assert any("first_network.md is shown without output; run python -m bench.tutorials" in line for line in said)
    assert any("your_archive.md has changed" in line for line in said)


def test_the_first_use_of_a_hard_word_is_a_link_with_the_words_of_the_glossary(monkeypatch):
    said = site_words.entries("## DEC\nTrains *both*, [AEC](#aec) too. [Method](method.md).\n\n## K\nA number.\n")
    assert said == {"DEC": "Trains both, AEC too.", "K": "A number."}
    monkeypatch.setattr(site_words, "_said", said)
    text = site_words.on_page_markdown("DEC for K", page("method.md"))
    assert "\n*[DEC]: Trains both, AEC too.\n" in text
    assert site_words.on_page_markdown("DEC", page("glossary.md")) == "DEC"
    dec = '<abbr title="Trains both.">DEC</abbr>'
    html = f'<h2 id="a">{dec}</h2><p><a href="x">{dec}</a> {dec} and {dec}</p>'
    link = '<a class="glossary" href="glossary.html#dec" title="Trains both.">DEC</a>'
    assert site_words.on_page_content(html, page("method.md")) == (
        f'<h2 id="a">DEC</h2><p><a href="x">DEC</a> {link} and DEC</p>'
    )


def test_every_word_that_is_linked_has_an_entry():
    known = site_words.entries((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    assert site_words.WORDS.keys() <= known.keys()
    assert all(known[name].endswith(".") for name in site_words.WORDS)


def test_links_of_the_site_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="x"></h1><a href="b.html#y">1</a><a href="https://a.org/gone">2</a>')
    (tmp_path / "b.html").write_text(
        '<a id="y" href="a.html#x"></a><a href="a.html#z"></a><img src="c.png"><a href="#q"></a><a href="d.ipynb"></a>'
    )
    (tmp_path / "d.ipynb").touch()
    (tmp_path / "404.html").write_text('<a href="/a.html"></a>')
    dead = [f"b.html: {link} leads nowhere" for link in ("#q", "a.html#z", "c.png")]
    assert site_links.dead_links(tmp_path) == dead

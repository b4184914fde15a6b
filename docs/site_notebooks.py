"""Puts what the tutorials print and draw on their pages, and offers each as a notebook; bench.tutorials ran them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

logger = get_plugin_logger(__name__)
NOTEBOOKS = Path(__file__).parents[1] / "build" / "tutorials"
_SECTION = "Tutorials"
_SHELL = "%%bash\n"
_INTERNAL = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:)[^)]*\)")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n*")
_notebooks: dict[str, dict[str, Any]] = {}


def tutorials(nav: list[dict[str, Any]]) -> list[str]:
    """Return the names of the pages that are notebooks: those of the section Tutorials."""
    return [Path(page).stem for part in nav for each in part.get(_SECTION, ()) for page in each.values()]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Read the notebooks; one that is absent or of another text is a warning, and its page is shown without output."""
    _notebooks.clear()
    for name in tutorials(config.nav or []):
        page, path = Path(config.docs_dir) / f"{name}.md", NOTEBOOKS / f"{name}.ipynb"
        if not path.is_file():
            logger.warning("%s.md is shown without output; run python -m bench.tutorials", name)
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["metadata"]["page"] != hashlib.sha256(page.read_bytes()).hexdigest():
            logger.warning("%s.md has changed, and is shown without output; run python -m bench.tutorials", name)
            continue
        _notebooks[f"{name}.md"] = notebook
        for number, png in enumerate(_pictures(notebook)):
            files.append(File.generated(config, _picture(name, number), content=png))
        files.append(File.generated(config, f"{name}.ipynb", content=json.dumps(_alone(notebook), indent=1)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put the outputs below the code of a tutorial."""
    notebook = _notebooks.get(page.file.src_uri)
    if notebook is None:
        return markdown
    name = Path(page.file.src_uri).stem
    heading, _, rest = "\n\n".join(_rendered(notebook, name)).partition("\n")
    offer = f'<p><a href="{name}.ipynb" download>Download this page as a notebook</a></p>'
    return f"{heading}\n\n{offer}\n{rest}\n"


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _pictures(notebook: dict[str, Any]) -> Iterator[bytes]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield base64.b64decode("".join(output["data"]["image/png"]))


def _picture(name: str, number: int) -> str:
    return f"images/{name}_{number + 1}.png"


def _rendered(notebook: dict[str, Any], name: str) -> Iterator[str]:
    pictures = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            yield _source(cell)
            continue
        source = _source(cell)
        code = source.removeprefix(_SHELL)
        yield f"```{'python' if code == source else 'bash'}\n{code}\n```"
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                yield f"![What the code above draws]({_picture(name, pictures)})"
                pictures += 1
            elif "text/html" in data:
                html = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
                yield re.sub(r"\n\s*", "", html.replace(' border="1" class="dataframe"', ""))
            else:
                text = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
                yield f'```` {{ .text .no-copy title="Output" }}\n{text}\n````'


def _alone(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook for elsewhere: without links to pages and pictures that lie beside the page."""
    cells = [
        cell | {"source": _INTERNAL.sub(r"\1", _PICTURE.sub("", _source(cell)))}
        if cell["cell_type"] == "markdown"
        else cell
        for cell in notebook["cells"]
    ]
    return notebook | {"cells": cells}

"""Runs the tutorials of the documentation as notebooks, for `make docs`, which puts what they print on the site.

A tutorial is a page in Markdown that is also a notebook (Jupytext): its blocks ``python`` and ``bash`` are cells, all
else is text. Other blocks, like ``console``, are for the reader alone. The notebooks are run one after the other in one
empty folder, because each goes on with what the one before made. A cell that fails ends the command with its page, its
code and its error.

Run ``python -m bench.tutorials``; it writes build/tutorials/NAME.ipynb. No output is kept in the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import resource
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from ris_core.config import PROJECT_ROOT

TUTORIALS = ("first_network", "your_archive", "labels_to_finding", "fifty_clicks")
"""Pages of docs/, in the order in which they are run."""
INTO = PROJECT_ROOT / "build" / "tutorials"
_CELL_S = 900
_OURS = re.compile(r"(RIS|DAGSTER|MLFLOW)_.*")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Otherwise the language of most cells is taken for that of all.
_HEADER = "---\njupyter:\n  kernelspec:\n    name: python3\n    language: python\n    display_name: Python 3\n---\n\n"
_KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook_of(page: Path) -> NotebookNode:
    """Return a page as a notebook without outputs; `page` of its metadata is the SHA-256 of the page."""
    text = page.read_bytes()
    notebook = jupytext.reads(_HEADER + text.decode("utf-8"), fmt="md")
    notebook.metadata = NotebookNode(
        kernelspec=_KERNELSPEC, language_info={"name": "python"}, page=hashlib.sha256(text).hexdigest()
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{page.stem}-{number}"
    return notebook


def run(page: Path, folder: Path) -> NotebookNode:
    """Run a page as a notebook in a folder, and return it with its outputs.

    Parameters
    ----------
    page
        In Markdown.
    folder
        Working folder of the cells.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    ValueError
        An output names a folder of this machine.
    """
    notebook = notebook_of(page)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=_CELL_S, resources=where, coalesce_streams=True).execute()
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [_cleaned(output, folder) for output in cell.outputs]
    for text in _texts(notebook):
        for place in (tempfile.gettempdir(), str(Path.home()), sys.prefix, str(PROJECT_ROOT), platform.node()):
            if re.search(rf"(?<![\w/]){re.escape(place)}(?![\w])", text) and place not in ("/", ""):
                raise ValueError(f"{page.name}: an output names {place}, which a reader does not have:\n{text}")
    return notebook


def _cleaned(output: NotebookNode, folder: Path) -> NotebookNode:
    """Return an output in which the working folder and the project are where the reader is."""

    def clean(text: str) -> str:
        for place in (folder, PROJECT_ROOT):
            text = text.replace(f"{place}/", "").replace(str(place), ".")
        # Of a line that was written over, as progress is, the last state remains.
        lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in _COLOUR.sub("", text).split("\n")]
        return "\n".join(lines)

    if "text" in output:
        output["text"] = clean(output["text"])
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/"):
            output["data"][kind] = clean(value)
    return output


def _texts(notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


def _as_a_reader(folder: Path) -> None:
    """Change the environment to that of a reader: `ris` is found, nothing is set, data are in the folder."""
    for name in filter(_OURS.fullmatch, list(os.environ)):
        del os.environ[name]
    scripts = sysconfig.get_path("scripts")
    os.environ |= {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "TQDM_DISABLE": "1",
        "IPYTHONDIR": str(folder / ".ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    # Figures belong into the notebook, whatever draws elsewhere.
    os.environ.pop("MPLBACKEND", None)


def main() -> None:
    """Read the command line, run the tutorials and write them as notebooks."""
    parser = argparse.ArgumentParser(prog="python -m bench.tutorials", allow_abbrev=False)
    parser.add_argument("--into", type=Path, default=INTO, help="folder of the notebooks; what it has is replaced")
    asked = parser.parse_args()
    shutil.rmtree(asked.into, ignore_errors=True)
    asked.into.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="ris-tutorials-") as folder:
        _as_a_reader(Path(folder))
        for name in TUTORIALS:
            began, used = time.monotonic(), _cpu_s()
            notebook = run(PROJECT_ROOT / "docs" / f"{name}.md", Path(folder))
            nbformat.write(notebook, asked.into / f"{name}.ipynb")
            print(f"{name}: {time.monotonic() - began:.0f} s, {_cpu_s() - used:.0f} CPU s", flush=True)


def _cpu_s() -> float:
    """Return the CPU-seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

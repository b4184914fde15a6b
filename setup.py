"""Builds the package with the files of the checkout that it needs at run time; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("config/*.yaml", "deploy/**/*", "docs/**/*.md", "workspace.yaml")
"""What ``ris_core.shipped_files`` finds. There is one original of each; the wheel has copies."""


class BuildWithShippedFiles(build_py):
    """Copies the files beside the code, unless the code is used where it lies."""

    def run(self) -> None:
        """Build, then copy; files of an earlier build do not stay."""
        super().run()
        if self.editable_mode:
            return
        here, target = Path(__file__).parent, Path(self.build_lib) / "ris_core" / "shipped"
        shutil.rmtree(target, ignore_errors=True)
        for source in (
            found
            for pattern in SHIPPED
            for found in sorted(here.glob(pattern))
            if found.is_file() and found.name != ".env"
        ):
            copy = target / source.relative_to(here)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


setup(cmdclass={"build_py": BuildWithShippedFiles})

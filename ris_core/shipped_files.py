"""Files that come with the code: example settings, templates of deployments, documentation.

In a checkout they are folders of the repository. A wheel has copies beside the code (``setup.py``).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_COPIES = _PACKAGE / "shipped"

SHIPPED = _COPIES if _COPIES.is_dir() else _PACKAGE.parent
"""The folder below which they lie under the names of the checkout, like ``config/demo.yaml``."""

CHECKOUT = None if SHIPPED == _COPIES or not (SHIPPED / "pyproject.toml").is_file() else SHIPPED
"""The folder of the checkout that this code is run from; none for an installed wheel."""

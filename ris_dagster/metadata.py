"""Results as Dagster metadata: pictures, tables, column schemas."""

import base64
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ris_core.config import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa
    from matplotlib.figure import Figure


def picture(png: bytes, title: str) -> dg.MarkdownMetadataValue:
    """Return a PNG as Markdown that the UI shows."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def figure(fig: "Figure", title: str) -> dg.MarkdownMetadataValue:
    """Return a figure as Markdown that the UI shows."""
    from ris_core.figures.image import to_png

    return picture(to_png(fig), title)


def table(frame: "pd.DataFrame") -> dg.MarkdownMetadataValue:
    """Return a small table as Markdown."""

    def cell(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    head = "| " + " | ".join(str(c) for c in frame.columns) + " |"
    rule = "|" + "---|" * len(frame.columns)
    rows = ["| " + " | ".join(cell(v) for v in row) + " |" for row in frame.itertuples(index=False)]
    return dg.MetadataValue.md("\n".join([head, rule, *rows]))


def warning(asset: dg.AssetKey, name: str, doubts: Sequence[str]) -> dg.AssetCheckResult:
    """Return the result of a check that warns: it passes if nothing speaks against the product."""
    return dg.AssetCheckResult(
        passed=not doubts,
        asset_key=asset,
        check_name=name,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(doubts) or None,
    )


def finite(value: float) -> float | None:
    """Return a number for the UI: none for NaN and infinity, which GraphQL cannot represent."""
    return float(value) if math.isfinite(value) else None


def finite_values(values: "Mapping[str, float]") -> dict[str, float | None]:
    """Return numbers by name, each as `finite`: scores of collapsed clusters are not defined."""
    return {name: finite(value) for name, value in values.items()}


def column_schema(schema: "pa.Schema") -> dg.TableSchema:
    """Return a Parquet schema for Dagster, with descriptions and units."""

    def description(field: "pa.Field") -> str:
        about = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
        unit = f" [{about['unit']}]" if "unit" in about else ""
        return str(about.get("description", "")) + unit

    return dg.TableSchema([dg.TableColumn(f.name, str(f.type), description(f)) for f in schema])


def code_version(step: str, digest: str) -> str:
    """Return a code version: the step's version, raised by hand, and the digest of its settings."""
    return f"{step}-{digest}"


def owners(settings: Settings) -> list[str]:
    """Return the owners of a network's assets."""
    return [f"team:{settings.network.name}"]

"""Results as Dagster metadata: pictures, tables, column schemas, numbers with few digits.

The UI shows Markdown of less than 1000 characters in its place, and longer Markdown behind *[Show Markdown]*. A picture
is longer. So the picture that says most is an entry of its own (`AT_A_GLANCE`) as well: a link to this picture among
the metadata, which our webserver answers (`ris_dagster.recorded_pictures`), as narrow as the column; a click opens it
in full.
"""

import base64
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode

import dagster as dg

from ris_core.config import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from matplotlib.figure import Figure

AT_A_GLANCE = "at_a_glance"
"""Name of the entry with the picture that is seen without opening it."""
PICTURES = "pictures"
"""First part of the path at which our webserver answers with recorded pictures."""
_BEGINS, _ENDS, _DATA = "![", ")", "](data:image/png;base64,"
_DIGITS, _DECIMALS = 4, 3
_WIDTH = 460
"""Pixels of a picture in the column of values, on a screen of 1500; the UI would cut a wider one."""
F = TypeVar("F", bound=Callable[..., Any])


def picture(png: bytes, title: str) -> dg.MarkdownMetadataValue:
    """Return a PNG as Markdown that the UI shows."""
    return dg.MetadataValue.md(f"{_BEGINS}{title}{_DATA}{base64.b64encode(png).decode()}{_ENDS}")


def png_of(value: object) -> bytes | None:
    """Return the PNG of a value that `picture` has made; None of others."""
    text = _text_of(value)
    return base64.b64decode(text.partition(_DATA)[2].removesuffix(_ENDS)) if text else None


def _text_of(value: object) -> str:
    """Return the Markdown of a value that `picture` has made; empty of others."""
    text = (value.md_str or "") if isinstance(value, dg.MarkdownMetadataValue) else ""
    return text if text.startswith(_BEGINS) and _DATA in text else ""


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


def finite_values(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers by name, each as `finite`: scores of collapsed clusters are not defined."""
    return {name: finite(value) for name, value in values.items()}


def rounded(value: Any) -> Any:
    """Return numbers, also in mappings and lists, with four significant digits and at least three decimals."""
    if isinstance(value, Mapping):
        return {name: rounded(one) for name, one in value.items()}
    if type(value) in (list, tuple):  # Dagster's own values are tuples as well
        return [rounded(one) for one in value]
    if isinstance(value, float) and math.isfinite(value) and value != 0:
        return round(float(value), max(_DECIMALS, _DIGITS - 1 - math.floor(math.log10(abs(value)))))
    return value


def shown_at_a_glance(
    metadata: Mapping[str, Any], asset: dg.AssetKey, run_id: str, partition: str = "", shown: str = ""
) -> dict[str, Any]:
    """Return metadata with rounded numbers, and one of its pictures in a form that the UI shows in its place.

    Parameters
    ----------
    metadata
        Of a materialization.
    asset, run_id, partition
        The materialization.
    shown
        Name of the picture; without one, or if there is none of this name, the first picture.
    """
    plain = {name: rounded(value) for name, value in metadata.items()}
    pictures = {name: text for name, value in metadata.items() if (text := _text_of(value))}
    if not pictures:
        return plain
    name = shown if shown in pictures else next(iter(pictures))
    title = pictures[name].partition(_DATA)[0].removeprefix(_BEGINS)
    path = "/".join(quote(part, safe="") for part in (PICTURES, *asset.path))
    query = urlencode({"shown": name, "run": run_id} | ({"partition": partition} if partition else {}), quote_via=quote)
    whole = f"/{path}?{query}"
    return {AT_A_GLANCE: dg.MetadataValue.md(f"[![{title}]({whole}&width={_WIDTH})]({whole})"), **plain}


def presented(shown: str = "") -> Callable[[F], F]:
    """Decorate the function of an asset, so that its metadata are as `shown_at_a_glance` returns them.

    Parameters
    ----------
    shown
        Name of the picture that says most.
    """

    def decorate(function: F) -> F:
        def present(context: dg.AssetExecutionContext, result: Any) -> Any:
            if not isinstance(result, dg.MaterializeResult):
                return result
            partition = context.partition_key if context.has_partition_key else ""
            asset = result.asset_key or context.asset_key
            found = shown_at_a_glance(result.metadata or {}, asset, context.run_id, partition, shown)
            return result._replace(metadata=found)

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapped(context: dg.AssetExecutionContext, *arguments: Any, **named: Any) -> Any:
                for result in function(context, *arguments, **named):
                    yield present(context, result)

        else:

            @functools.wraps(function)
            def wrapped(context: dg.AssetExecutionContext, *arguments: Any, **named: Any) -> Any:
                return present(context, function(context, *arguments, **named))

        return cast("F", wrapped)

    return decorate


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


def run_labels(settings: Settings) -> dict[str, str]:
    """Return the tags of every job of a network, and with it of its runs."""
    return {"ris/network": settings.network.name, "ris/profile": settings.profile}


def owners(settings: Settings) -> list[str]:
    """Return the owners of a network's assets."""
    return [f"team:{settings.network.name}"]

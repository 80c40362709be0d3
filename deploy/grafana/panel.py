"""Panels of Grafana's classic dashboard JSON: a few kinds, each with what Vigil needs of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from deploy.grafana.look import Json

SOURCE: Final[Json] = {"type": "grafana-postgresql-datasource", "uid": "vigil-postgres"}
"""The data source by its fixed uid, as provisioned by :mod:`deploy.grafana.provisioning`."""


def target(sql: str, *, series: bool = False, name: str = "A") -> Json:
    """One query in code mode.  ``series`` asks Grafana for a time series (sorted by ``time``) instead of a table."""
    return {
        "refId": name,
        "datasource": SOURCE,
        "editorMode": "code",
        "rawQuery": True,
        "format": "time_series" if series else "table",
        "rawSql": sql,
    }


def _panel(
    kind: str, title: str, sql: str | None, description: str, size: tuple[int, int], options: Json, defaults: Json,
    overrides: Sequence[Json] = (), *, series: bool = False, transformations: Sequence[Json] = (), **more: int,
) -> Json:  # fmt: skip
    """``size``: width of 24 columns, height in rows of 30 px.  A dashboard gives the panel its number and place."""
    panel: Json = {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": dict(zip("wh", size, strict=True)),
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "transformations": list(transformations),
    }
    if sql is not None:
        panel |= {"datasource": SOURCE, "targets": [target(sql, series=series)], "interval": "1s"}
    return panel | more


_TREND: Final[Json] = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 1,
    "fillOpacity": 0,
    "showPoints": "auto",
    "pointSize": 4,
    "spanNulls": False,
}
_STAT: Final[Json] = {
    "colorMode": "value",
    "graphMode": "none",
    "justifyMode": "auto",
    "orientation": "vertical",
    "percentChangeColorMode": "standard",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "showPercentChange": False,
    "textMode": "auto",
    "wideLayout": True,
}
SPLIT: Final[Json] = {"id": "partitionByValues", "options": {"fields": ["metric"], "keepFields": False}}
"""One frame a series.  In a joined frame a time that another series has alone is a null, and breaks the line."""


def trend(
    title: str, sql: str, description: str, *, unit: str, overrides: Sequence[Json] = (), split: bool = False,
    width: int = 24, points: int = 900, custom: Json | None = None, **defaults: object,
) -> Json:  # fmt: skip
    """Lines over time.  ``split``: rows of (time, metric, "Value"), a line a metric, broken where the value is null.

    ``points`` bounds the values that a query may return a series.
    """
    legend = {"showLegend": True, "displayMode": "list", "placement": "right", "calcs": []}
    options: Json = {"legend": legend, "tooltip": {"mode": "multi", "sort": "none"}}
    fields: Json = {"unit": unit, "custom": _TREND | (custom or {}), **defaults}
    return _panel(
        "timeseries", title, sql, description, (width, 7), options, fields, overrides, series=not split,
        transformations=[SPLIT] if split else [], maxDataPoints=points,
    )  # fmt: skip


def table(
    title: str, sql: str, description: str, *, overrides: Sequence[Json] = (), width: int = 12, height: int = 9
) -> Json:
    """Rows as the query returns them, column names as headings."""
    options: Json = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return _panel("table", title, sql, description, (width, height), options, {"custom": custom, "noValue": "–"}, overrides)


def stat(title: str, sql: str, description: str, *, width: int, overrides: Sequence[Json] = (), **defaults: object) -> Json:
    """One large number for each column of the single row the query returns."""
    return _panel("stat", title, sql, description, (width, 4), _STAT, {"noValue": "–", **defaults}, overrides)


def text(content: str) -> Json:
    """Plain words on the dashboard."""
    return _panel("text", "", None, "", (24, 2), {"mode": "markdown", "content": content}, {})

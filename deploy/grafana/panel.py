"""Panels of Grafana's classic dashboard JSON: a few kinds, each with what Vigil needs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deploy.grafana.look import Json, Override

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


@dataclass(frozen=True, slots=True)
class Panel:
    """``width`` of 24 columns, ``height`` in rows of 30 px.  ``points`` bounds what a query may return a series."""

    title: str
    kind: str
    width: int
    height: int
    sql: str | None
    description: str
    options: Json
    defaults: Json
    overrides: Sequence[Override] = ()
    series: bool = False
    transformations: Sequence[Json] = ()
    points: int | None = None

    def json(self, number: int, x: int, y: int) -> Json:
        panel: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "options": self.options,
            "fieldConfig": {"defaults": self.defaults, "overrides": [one.json() for one in self.overrides]},
            "transformations": list(self.transformations),
        }
        if self.sql is not None:
            panel |= {"datasource": SOURCE, "targets": [target(self.sql, series=self.series)], "interval": "1s"}
        if self.points is not None:
            panel["maxDataPoints"] = self.points
        return panel


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
    title: str,
    sql: str,
    *,
    description: str,
    unit: str,
    overrides: Sequence[Override] = (),
    split: bool = False,
    width: int = 24,
    height: int = 7,
    points: int = 900,
    custom: Json | None = None,
    **defaults: object,
) -> Panel:
    """Lines over time.  ``split``: rows of (time, metric, "Value"), a line a metric, broken where the value is null."""
    legend = {"showLegend": True, "displayMode": "list", "placement": "right", "calcs": []}
    options: Json = {"legend": legend, "tooltip": {"mode": "multi", "sort": "none"}}
    fields: Json = {"unit": unit, "custom": _TREND | (custom or {}), **defaults}
    split_by = [SPLIT] if split else []
    return Panel(
        title, "timeseries", width, height, sql, description, options, fields, overrides, not split, split_by, points
    )  # fmt: skip


def table(
    title: str, sql: str, *, description: str, overrides: Sequence[Override] = (), width: int = 12, height: int = 9
) -> Panel:
    """Rows as the query returns them, column names as headings."""
    options: Json = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return Panel(title, "table", width, height, sql, description, options, {"custom": custom, "noValue": "–"}, overrides)


def stat(
    title: str,
    sql: str,
    *,
    description: str,
    overrides: Sequence[Override] = (),
    width: int = 6,
    height: int = 4,
    **defaults: object,
) -> Panel:
    """One large number for each column of the single row the query returns."""
    return Panel(title, "stat", width, height, sql, description, _STAT, {"noValue": "–", **defaults}, overrides)


def text(content: str, *, width: int = 24, height: int = 2) -> Panel:
    """Plain words on the dashboard."""
    return Panel("", "text", width, height, None, "", {"mode": "markdown", "content": content}, {})

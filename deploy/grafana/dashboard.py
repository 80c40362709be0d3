"""A dashboard of Grafana's classic JSON: its panels laid out left to right, its variables, its annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from deploy.grafana.look import Json
from deploy.grafana.panel import SOURCE, target

SCHEMA_VERSION: Final = 39  # Grafana 11; newer ones migrate it as they load it
COLUMNS: Final = 24


def query_variable(name: str, label: str, sql: str, *, many: bool = False) -> Json:
    """Values from the database: the query returns ``__text`` and ``__value``.  ``many``: several, or all, may be chosen."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": sql,
        "refresh": 1,
        "sort": 0,
        "multi": many,
        "includeAll": many,
        "options": [],
    } | ({"current": {"text": ["All"], "value": ["$__all"]}} if many else {})


def choice(name: str, label: str, words: Sequence[str], description: str) -> Json:
    """One of a few fixed words; the first is chosen at the start."""
    options = [{"text": word, "value": word, "selected": word == words[0]} for word in words]
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "description": description,
        "query": ",".join(words),
        "current": options[0],
        "options": options,
        "multi": False,
        "includeAll": False,
    }


def annotation(name: str, color: str, sql: str) -> Json:
    """Spans marked in every trend: the query returns ``time``, ``timeend``, ``text`` and ``tags``."""
    query = target(sql, name="Anno")
    return {"name": name, "datasource": SOURCE, "enable": True, "iconColor": color, "target": query}


def dashboard(
    uid: str, title: str, description: str, *, since: str, refresh: str, panels: Sequence[Json],
    variables: Sequence[Json], annotations: Sequence[Json] = (), links: Sequence[Json] = (),
) -> Json:  # fmt: skip
    """``uid`` never changes: links and provisioning know the dashboard by it."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["vigil"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": since, "to": "now"},
        "timepicker": {},
        "refresh": refresh,
        "links": links,
        "templating": {"list": variables},
        "annotations": {"list": annotations},
        "panels": _placed(panels),
    }


def _placed(panels: Iterable[Json]) -> list[Json]:
    """Panels fill a row of 24 columns from the left; a row is as high as its highest."""
    placed = []
    x = y = highest = 0
    for number, panel in enumerate(panels, start=1):
        size = panel["gridPos"]
        if x + size["w"] > COLUMNS:
            x, y, highest = 0, y + highest, 0
        placed.append({"id": number, **panel, "gridPos": {"x": x, "y": y, **size}})
        x, highest = x + size["w"], max(highest, size["h"])
    return placed


def link_to(uid: str, title: str) -> Json:
    """A link at the head of a dashboard to another one, keeping the time range."""
    return {
        "type": "link",
        "title": title,
        "url": f"/d/{uid}",
        "icon": "dashboard",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }

"""A dashboard of Grafana's classic JSON: its panels laid out left to right, its variables, its annotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.grafana.look import Json
from deploy.grafana.panel import SOURCE, Panel, target

SCHEMA_VERSION: Final = 39  # Grafana 11; newer ones migrate it as they load it
COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class QueryVariable:
    """Values from the database: the query returns ``__text`` and ``__value``.  ``many``: several, or all, may be chosen."""

    name: str
    label: str
    sql: str
    many: bool = False

    def json(self) -> Json:
        variable: Json = {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": SOURCE,
            "query": self.sql,
            "refresh": 1,
            "sort": 0,
            "multi": self.many,
            "includeAll": self.many,
            "options": [],
        }
        if self.many:
            variable["current"] = {"text": ["All"], "value": ["$__all"]}
        return variable


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few fixed words; the first is chosen at the start."""

    name: str
    label: str
    words: tuple[str, ...]
    description: str

    def json(self) -> Json:
        options = [{"text": word, "value": word, "selected": word == self.words[0]} for word in self.words]
        return {
            "type": "custom",
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "query": ",".join(self.words),
            "current": options[0],
            "options": options,
            "multi": False,
            "includeAll": False,
        }


@dataclass(frozen=True, slots=True)
class Annotation:
    """Spans marked in every trend: the query returns ``time``, ``timeend``, ``text`` and ``tags``."""

    name: str
    color: str
    sql: str

    def json(self) -> Json:
        query = target(self.sql, name="Anno")
        return {"name": self.name, "datasource": SOURCE, "enable": True, "iconColor": self.color, "target": query}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``uid`` never changes: links and provisioning know the dashboard by it."""

    uid: str
    title: str
    description: str
    since: str
    refresh: str
    panels: Sequence[Panel]
    variables: Sequence[QueryVariable | Choice] = ()
    annotations: Sequence[Annotation] = ()
    links: Sequence[Json] = ()

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["vigil"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "refresh": self.refresh,
            "links": list(self.links),
            "templating": {"list": [one.json() for one in self.variables]},
            "annotations": {"list": [one.json() for one in self.annotations]},
            "panels": [panel.json(number, x, y) for number, x, y, panel in self._placed()],
        }

    def _placed(self) -> Iterator[tuple[int, int, int, Panel]]:
        """Panels fill a row of 24 columns from the left; a row is as high as its highest."""
        x = y = highest = 0
        for number, panel in enumerate(self.panels, start=1):
            if x + panel.width > COLUMNS:
                x, y, highest = 0, y + highest, 0
            yield number, x, y, panel
            x, highest = x + panel.width, max(highest, panel.height)


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

"""Write the dashboards, and the provisioning that brings them into Grafana, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from deploy.grafana.look import Json
from deploy.grafana.patient import PATIENT
from deploy.grafana.provisioning import DataSource, provider_file
from deploy.grafana.ward import WARD

FOLDER: Final = "Vigil"
"""The folder in Grafana: it is named after the folder the files lie in."""
DASHBOARDS: Final = {"ward": WARD, "patient": PATIENT}


def dashboard_files() -> dict[str, str]:
    """Path below ``dashboards/`` and content of every dashboard."""
    return {f"{FOLDER}/{name}.json": _text(content) for name, content in DASHBOARDS.items()}


def write_dashboards(folder: Path) -> list[Path]:
    """Write the dashboards alone into ``folder``; the paths written."""
    return [_put(folder / name, content) for name, content in dashboard_files().items()]


def write(folder: Path, source: DataSource | None = None, *, served_from: str | None = None) -> list[Path]:
    """Make ``folder`` a provisioning folder of Grafana: ``datasources/``, ``dashboards/``; the paths written.

    ``served_from`` is ``folder`` as Grafana sees it, where that differs (a container's mount).  Files are YAML's subset
    JSON in form, which Grafana reads.  Existing files of other names are left alone.
    """
    path = f"{served_from or folder.resolve()}/dashboards"
    return [
        *write_dashboards(folder / "dashboards"),
        _put(folder / "datasources/vigil.yaml", _text((source or DataSource()).file())),
        _put(folder / "dashboards/vigil.yaml", _text(provider_file(path))),
    ]


def _text(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.grafana import write
from deploy.grafana.write import dashboard_files

KEPT = Path(__file__).parents[3] / "deploy/grafana/dashboards"


def test_the_dashboards_kept_in_the_project_are_what_the_code_builds() -> None:
    kept = {str(path.relative_to(KEPT)): path.read_text(encoding="utf-8") for path in KEPT.rglob("*.json")}
    assert kept == dashboard_files(), "run python -m deploy.grafana and commit what it wrote"


def test_a_folder_becomes_a_provisioning_folder(tmp_path: Path) -> None:
    written = write(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in written} == {
        "dashboards/Vigil/ward.json",
        "dashboards/Vigil/patient.json",
        "dashboards/vigil.yaml",
        "datasources/vigil.yaml",
    }
    provider = json.loads((tmp_path / "dashboards/vigil.yaml").read_text())["providers"][0]
    assert provider["options"] == {"path": f"{tmp_path}/dashboards", "foldersFromFilesStructure": True}
    assert provider["allowUiUpdates"] is False
    source = json.loads((tmp_path / "datasources/vigil.yaml").read_text())["datasources"][0]
    asked = {one["uid"] for one in _sources(json.loads((tmp_path / "dashboards/Vigil/ward.json").read_text()))}
    assert asked == {source["uid"]}
    before = {path: path.read_bytes() for path in written}
    write(tmp_path)
    assert {path: path.read_bytes() for path in written} == before


def test_a_container_sees_the_folder_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, served_from="/provisioning")
    provider = json.loads((tmp_path / "dashboards/vigil.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == "/provisioning/dashboards"


def test_a_wrong_command_line_is_one_sentence() -> None:
    done = subprocess.run([sys.executable, "-m", "deploy.grafana", "--help-me"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def _sources(node: object) -> list[dict[str, str]]:
    if isinstance(node, dict):
        here = [node["datasource"]] if "datasource" in node else []
        return here + [found for value in node.values() for found in _sources(value)]
    return [found for value in node for found in _sources(value)] if isinstance(node, list) else []

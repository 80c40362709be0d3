from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
import psycopg
import pytest

from deploy.grafana.dashboard import COLUMNS
from deploy.grafana.write import DASHBOARDS
from tests.deploy.grafana.conftest import Ward
from tests.deploy.grafana.expand import Range

SCHEMA = Path(__file__).parent / "schema"
BOTH = pytest.mark.parametrize("name", DASHBOARDS)


@cache
def valid(name: str) -> Any:
    schema = json.loads((SCHEMA / f"{name}.json").read_text())
    if name == "dashboard":  # typed for Grafana's own data source alone, see schema/README.md
        schema["definitions"]["AnnotationTarget"] = {"type": "object"}
    return fastjsonschema.compile(schema)


def rendered(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(DASHBOARDS[name]))
    return found


def queries(name: str) -> Iterator[tuple[str, str, int | None]]:
    """The place, the SQL and the bound on points of every query of a dashboard."""
    dashboard = rendered(name)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}: {target['format']}", target["rawSql"], panel.get("maxDataPoints")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"], None
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["target"]["rawSql"], None


def check(dashboard: dict[str, Any]) -> None:
    valid("dashboard")(dashboard)
    for panel in dashboard["panels"]:
        valid(f"{panel['type']}.options")(panel["options"])
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            valid(f"{panel['type']}.custom")(custom)


@BOTH
def test_grafanas_schema_accepts_the_dashboard_and_every_panels_options(name: str) -> None:
    check(rendered(name))


@pytest.mark.parametrize(
    "change",
    [  # an unknown key, a missing one, a word unknown to Grafana; at the panel, in its options, in its fields
        lambda panel: panel.update(heigth=3),
        lambda panel: panel["gridPos"].pop("w"),
        lambda panel: panel["fieldConfig"]["defaults"].update(color={"mode": "rainbow"}),
        lambda panel: panel["options"].pop("tooltip"),
        lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(drawStyle="scribble"),
    ],
)
def test_grafanas_schema_refuses_what_is_wrong(change: Any) -> None:
    dashboard = copy.deepcopy(rendered("patient"))
    panel = next(panel for panel in dashboard["panels"] if panel["type"] == "timeseries")
    change(panel)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(dashboard)


@BOTH
def test_overrides_of_custom_options_are_ones_grafana_knows(name: str) -> None:
    for panel in rendered(name)["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            properties = {one["id"]: one["value"] for one in override["properties"]}
            custom = {key.removeprefix("custom."): value for key, value in properties.items() if key.startswith("custom.")}
            needed = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
            if custom:
                valid(f"{panel['type']}.custom")(custom | needed if panel["type"] == "table" else custom)


@BOTH
def test_panels_lie_beside_each_other_within_the_grid(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    numbers = []
    for panel in rendered(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        taken |= cells
        numbers.append(panel["id"])
    assert len(set(numbers)) == len(numbers)


def test_addresses_never_change_and_each_leads_to_the_other() -> None:
    ward, patient = rendered("ward"), rendered("patient")
    assert (ward["uid"], patient["uid"]) == ("vigil-ward", "vigil-patient")
    assert "/d/vigil-patient?var-patient=${__value.raw}" in json.dumps(ward)
    assert patient["links"][0]["url"] == "/d/vigil-ward"
    assert {v["name"] for v in patient["templating"]["list"]} == {"patient", "resolution"}


@BOTH
def test_every_dashboard_says_that_it_is_not_a_medical_device(name: str) -> None:
    assert "Not a medical device" in rendered(name)["panels"][0]["options"]["content"]


@pytest.mark.stack
@BOTH
def test_every_query_runs_with_grafanas_rights_and_returns_what_its_place_needs(name: str, ward: Ward) -> None:
    ranges = [Range(ward.end - timedelta(hours=back), ward.end) for back in (1, 6, 48, 24 * 60)]
    seen = set()
    for place, sql, points in queries(name):
        for shown in ranges:
            for resolution in ("auto", "raw", "minute", "hour") if "$resolution" in sql else ("auto",):
                rows = ward.rows(sql, shown=shown, points=points, chosen={"resolution": resolution})
                if rows:
                    seen.add(place)
                    check_columns(place, list(rows[0]), rows)
    missing = {place for place, _, _ in queries(name)} - seen
    assert not missing, f"the seeded ward gives these nothing to show: {missing}"


def check_columns(place: str, columns: list[str], rows: list[dict[str, Any]]) -> None:
    if place.startswith("variable"):
        assert columns == ["__text", "__value"]
    elif place.startswith("annotation"):
        assert columns == ["time", "timeend", "text", "tags"]
    elif "Value" in columns and "metric" in columns:
        assert columns == ["time", "metric", "Value"]
    if columns[0] == "time" and not place.startswith("annotation"):
        times = [row["time"] for row in rows]
        assert times == sorted(times), place
        assert all(isinstance(row.get("metric", ""), str) for row in rows)


@pytest.mark.stack
@BOTH
@pytest.mark.parametrize("nobody", ["", "999999"], ids=["none", "gone"])
def test_nothing_to_choose_is_no_error(name: str, nobody: str, ward: Ward) -> None:
    for place, sql, points in queries(name):
        rows = ward.rows(sql, points=points, chosen={"patient": nobody, "team": [nobody]})
        if name == "patient" and place.startswith(("panel", "annotation")):
            assert rows == [], place


@pytest.mark.stack
def test_a_word_from_the_address_bar_stays_a_word(ward: Ward) -> None:
    asked = [(sql, points) for _, sql, points in queries("patient") if "${patient" in sql]
    assert len(asked) > 10
    for sql, points in asked:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            ward.rows(sql, points=points, chosen={"patient": "1' OR true --"})

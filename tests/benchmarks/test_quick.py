from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from benchmarks.__main__ import ROWS, main, measure
from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.servers import Servers
from benchmarks.table import show
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres

pytestmark = pytest.mark.stack


def run(rows: list[str], kafka: Kafka, postgres: Postgres) -> tuple[dict[str, Any], str]:
    """The JSON and the table of a quick run."""
    output: list[str] = []
    report = Report(output.append, quick=True)
    with Servers(output.append, kafka, postgres) as servers:
        measure(servers, report, rows)
    screen = io.StringIO()
    show(Console(file=screen, width=160), machine(), report)
    print(screen.getvalue())
    return json.loads(json.dumps(report.as_json())), screen.getvalue()


def names(found: dict[str, Any], kind: str) -> set[str]:
    return {one["name"] for one in found[kind]}


def test_store_measures(kafka: Kafka, postgres: Postgres) -> None:
    found, table = run(["store"], kafka, postgres)
    assert {one["row"] for one in found["figures"]} == {"store"}
    hold(found, table)
    assert "Vigil's round / narrow COPY, its key" in names(found, "goals")


@pytest.mark.full
@pytest.mark.timeout(400)
def test_throughput_measures_and_the_contenders_agree(kafka: Kafka, postgres: Postgres) -> None:
    found, table = run(["throughput"], kafka, postgres)
    assert {one["row"] for one in found["figures"]} == {"throughput", "path"}
    hold(found, table)
    for readings in ("1 a batch", "60 a batch"):
        assert f"Vigil / stock Faust, {readings}" in names(found, "goals")
        assert f"whole / (open + engine + COPY), {readings}" in names(found, "goals")
    assert "throughput: 1 a batch: stock Faust and Vigil agree" in found["checks"]


@pytest.mark.full
@pytest.mark.timeout(400)  # a dozen processes, each of which imports all of it
def test_engine_latency_and_desk_measure(kafka: Kafka, postgres: Postgres) -> None:
    found, table = run(["engine", "latency", "desk"], kafka, postgres)
    assert {one["row"] for one in found["figures"]} == {"engine", "latency", "desk"}
    hold(found, table)
    assert "sample → desk, latest value, p99" in names(found, "goals")
    assert {"produce → committed, p50", "produce → committed, p99"} <= names(found, "figures")


def hold(found: dict[str, Any], table: str) -> None:
    """Assertions that hold for any rows."""
    assert all(one["values"] and min(one["values"]) > 0 for one in found["figures"]), found["figures"]
    assert all(one["low"] <= one["median"] <= one["high"] for one in found["figures"])
    assert found["loop_ns_a_turn"]["low"] > 0
    assert all(found["checks"].values()), found["checks"]
    assert all((("met" if one["met"] else "MISSED") in table) for one in found["goals"])


@pytest.mark.full
@pytest.mark.timeout(400)
def test_recovery_is_told_by_part_and_gives_the_state_back(kafka: Kafka, postgres: Postgres) -> None:
    found, table = run(["recovery"], kafka, postgres)
    assert {"snapshot", "recall", "take", "refold", "database server", "wall clock"} <= names(found, "figures")
    hold(found, table)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_moves_of_partitions_are_told_and_lose_nothing(kafka: Kafka, postgres: Postgres) -> None:
    found, table = run(["moves"], kafka, postgres)
    assert {"undisturbed", "one is killed", "another joins", "it leaves"} == names(found, "figures")
    hold(found, table)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_memory_is_told_by_component(kafka: Kafka, postgres: Postgres) -> None:
    found, _ = run(["memory"], kafka, postgres)
    assert {"Kafka", "PostgreSQL", "worker", "desk", "notifier"} <= names(found, "figures")
    assert found["goals"][0]["value"] > 100


def test_a_row_that_does_not_exist_is_refused_with_the_names_of_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    output = capsys.readouterr().err
    assert all(row in output for row in ROWS)

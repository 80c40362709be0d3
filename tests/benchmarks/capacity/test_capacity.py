from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from benchmarks.__main__ import ROWS
from benchmarks.capacity.__main__ import main, page
from benchmarks.capacity.costs import FILE, SOURCES, Cost, Costs, load, take
from benchmarks.capacity.model import LOADS, most_gateways, most_patients, need
from benchmarks.errors import BenchmarkError

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "capacity.md"
SPARSE, DENSE = LOADS


def costs_with(**values: float) -> Costs:
    """All costs one, but for these."""
    machine = {"cores": 2, "cpu": "x", "python": "3", "kafka": "4", "postgresql": "18"}
    return Costs(machine, {name: Cost(values.get(name, 1.0), 1, 1, "ns", "2026-11-25") for name in SOURCES})


def test_the_document_is_what_the_script_makes_of_the_committed_costs() -> None:
    assert DOCUMENT.read_text() == page(load()), "python -m benchmarks.capacity > docs/capacity.md"


@pytest.mark.parametrize("name", SOURCES)
def test_every_cost_is_shown_and_another_one_makes_the_document_stale(name: str) -> None:
    costs = load()
    costs.costs[name] = msgspec.structs.replace(costs.costs[name], value=costs[name] * 3)
    assert page(costs) != DOCUMENT.read_text()


def test_every_cost_comes_from_a_row_that_exists() -> None:
    assert {row for row, _ in SOURCES.values()} <= ROWS.keys()


def test_workers_are_the_cpu_of_all_samples_at_half_a_core_each() -> None:
    one = need(SPARSE, costs_with(worker_sparse=4000), 1_000_000)  # 500,000 samples/s x 4 us = 2 cores
    assert (one.samples, one.worker_cores, one.workers) == (500_000, 4.0, 4)


def test_two_workers_and_three_brokers_are_the_least() -> None:
    one = need(DENSE, costs_with(), 10)
    assert (one.workers, one.brokers) == (2, 3)


def test_more_gateways_than_the_smallest_bound_need_more_than_the_brokers_there_are() -> None:
    costs = costs_with(request=0.3, connection=5.0)
    for load_ in LOADS:
        bound = most_gateways(load_, costs, 3)["batches"]
        costs.costs["brokers_" + load_.key] = Cost(0, 0, 0, "ns", "")
        assert need(load_, costs, int(bound * 0.99)).brokers == 3
        assert need(load_, costs, int(bound * 1.01)).brokers == 4


def test_patients_whom_64_workers_carry_are_those_for_whom_64_are_needed() -> None:
    costs = costs_with(worker_dense=2000)
    assert need(DENSE, costs, int(most_patients(DENSE, costs))).workers == 64


def run_file(folder: Path, figures: dict[tuple[str, str], float], *, quick: bool = False) -> Path:
    machine = {"cores": 2, "cpu": "x", "python": "3", "kafka": "4", "postgresql": "18"}
    made = [
        {"row": row, "name": name, "unit": "ns", "median": value, "low": value, "high": value}
        for (row, name), value in figures.items()
    ]
    file = folder / "run.json"
    file.write_text(json.dumps({"at": "2026-11-25T10:00:00+00:00", "machine": machine, "quick": quick, "figures": made}))
    return file


def test_a_run_renews_what_it_measured_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_bytes(FILE.read_bytes())
    before = load(file)
    take([run_file(tmp_path, {SOURCES["request"]: 0.123456})], file)
    after = load(file)
    assert after["request"] == 0.1235
    assert {name for name in SOURCES if after.costs[name] != before.costs[name]} == {"request"}


def test_figures_of_a_quick_run_or_of_other_rows_are_not_taken(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="quick"):
        take([run_file(tmp_path, {SOURCES["request"]: 1.0}, quick=True)], tmp_path / "costs.json")
    with pytest.raises(BenchmarkError, match="none of the figures"):
        take([run_file(tmp_path, {("store", "x"): 1.0})], tmp_path / "costs.json")


def test_what_is_missing_is_named_with_the_command_that_measures_it(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    take([run_file(tmp_path, {SOURCES["request"]: 1.0})], file)
    with pytest.raises(BenchmarkError, match=re.escape("`python -m benchmarks scale`")):
        load(file)


def test_the_command_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == DOCUMENT.read_text()

"""What 10 k, 100 k and 1 M patients need, computed from measured costs: ``python -m benchmarks.capacity > docs/capacity.md``.

Reads what ``python -m benchmarks.scale`` and ``python -m benchmarks.reconnect`` wrote.  A model: it multiplies, it has not run.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

PATIENTS: Final = (10_000, 100_000, 1_000_000)
BUSY: Final = 0.5
"""Of a core that may be used on average: the rest is for catching up and for whoever takes over."""
PARTITIONS: Final = 64
VITALS: Final = 4
COPIES: Final = 3
LOG_DAYS: Final = 7
TABLE_DAYS: Final = 90
CONNECTIONS: Final = 10_000
"""A broker: an assumption, ten times what was measured."""
BROKER_CORES: Final = 4
PATIENCE_S: Final = 60
"""In which all gateways should be connected again after everything was down."""
_DAY: Final = 86_400


class Load(NamedTuple):
    """How patients are measured: readings a second, and how many come in a batch."""

    name: str
    a_second: float
    a_batch: int


LOADS: Final = (Load("a reading each 10 s, sent at once", 0.1, 1), Load("a reading a second, sixty a batch", 1.0, 60))


class Costs(NamedTuple):
    """ns of CPU a sample; bytes a value and a record."""

    worker: float
    database: float
    value: float
    record: float


def costs_of(scale: dict[str, Any], a_batch: int) -> Costs:
    """Medians of the runs with one worker."""
    runs = [one for one in scale["scale"] if one["readings_a_batch"] == a_batch and one["workers"] == 1]
    names = "worker_ns", "database_ns", "bytes_a_value", "bytes_a_record"
    return Costs(*(statistics.median(run[name] for run in runs) for name in names))


def needed(load: Load, costs: Costs, patients: int) -> tuple[str, ...]:
    """A row of the table."""
    samples = patients * load.a_second * VITALS
    records = patients * load.a_second / load.a_batch
    cores = samples * costs.worker / 1e9
    workers = max(2, math.ceil(cores / BUSY))
    log = records * _DAY * LOG_DAYS * COPIES * costs.record
    table = samples * _DAY * TABLE_DAYS * costs.value
    return (
        f"{patients:,}", f"{samples:,.0f}", f"{workers}" if workers <= PARTITIONS else f"{workers} (more than 64 partitions)",
        f"{samples * costs.database / 1e9 / BUSY:.1f}", f"{log / 1e12:.2f}", f"{table / 1e12:.2f}",
    )  # fmt: skip


def front(most: dict[str, Any], patients: int) -> tuple[str, ...]:
    """A row about one gateway a patient, by what the largest measured crowd cost."""
    by_connections = math.ceil(patients / CONNECTIONS)
    brokers = max(3, by_connections)
    reconnect = patients * most["reconnect_cpu_ms"] / 1000 / (brokers * BROKER_CORES)
    steady = patients * most["request_cpu_ms"] / 1000 / 10
    wants = by_connections > 3 or reconnect > PATIENCE_S or steady / (brokers * BROKER_CORES) > BUSY
    return f"{patients:,}", f"{brokers}", f"{reconnect:,.0f} s", f"{steady:,.1f}", "a front" if wants else "brokers alone"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(scale: dict[str, Any], crowd: dict[str, Any]) -> str:
    """docs/capacity.md."""
    facts = scale["machine"]
    parts = [
        "# Capacity",
        "Computed by `python -m benchmarks.capacity` from what `python -m benchmarks.scale` and `python -m benchmarks.reconnect`"
        f" measured on {facts['cores']} shared cores ({facts['cpu']}, Kafka {facts['kafka']}, PostgreSQL {facts['postgresql']})."
        " **A model: it multiplies costs a sample, and nothing of this size has run.**",
        "## Measured: workers on three brokers",
        "Brokers, database and all workers share the same cores, so wall clock says where those end, not how Vigil scales.",
        table(("readings a batch", "workers", "samples/s", "worker, ns of CPU a sample", "database, ns a sample"), _curve(scale)),
        "## Workers, database and disk",
        f"Half of each core is kept free; at least two workers; log {LOG_DAYS} days in {COPIES} copies, readings and what is made"
        f" of them {TABLE_DAYS} days uncompressed (the columnstore of TimescaleDB takes 24 to 90 times less).",
    ]
    for load in LOADS:
        rows = [needed(load, costs_of(scale, load.a_batch), patients) for patients in PATIENTS]
        heads = "patients", "samples/s", "workers", "database cores", "log, TB", "tables, TB"
        parts += [f"**{load.name[0].upper()}{load.name[1:]}**", table(heads, rows)]
    most = max(crowd["reconnect"], key=lambda one: one["gateways"])
    parts += [
        "## Gateways at Kafka's door",
        f"Real producers with SCRAM on one broker, on loopback, without TLS; after the broker was killed and started again"
        f" {most['lost']} of {most['gateways']:,} batches were lost.",
        table(
            ("gateways", "all connected", "broker up again", "all acknowledged again", "broker CPU a connection",
             "broker CPU a batch", "broker memory"), _crowd(crowd)),
        f"One gateway a patient and a batch each 10 s, brokers of {BROKER_CORES} cores with up to {CONNECTIONS:,} connections each"
        f" (an assumption, {CONNECTIONS / most['gateways']:.0f} times what was measured), all connected again within"
        f" {PATIENCE_S} s:",
        table(("gateways", "brokers", "reconnecting", "cores for batches", "door"), [front(most, n) for n in PATIENTS]),
        "A front (an MQTT broker cluster or an HTTP ingest that batches into a few producers) keeps sealed records as they are.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _curve(scale: dict[str, Any]) -> list[tuple[str, ...]]:
    runs: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for one in scale["scale"]:
        runs.setdefault((one["readings_a_batch"], one["workers"]), []).append(one)
    names = "samples_a_s", "worker_ns", "database_ns"
    return [
        (str(batch), str(workers), *(f"{statistics.median(one[name] for one in found):,.0f}" for name in names))
        for (batch, workers), found in sorted(runs.items())
    ]


def _crowd(crowd: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{one['gateways']:,}", f"{one['connect_s']['max']:.1f} s", f"{one['broker_up_s']:.1f} s",
            f"{one['reconnect_s']['max']:.1f} s", f"{one['reconnect_cpu_ms']:.1f} ms", f"{one['request_cpu_ms']:.2f} ms",
            f"{one['broker_mb']:.0f} MB",
        )
        for one in crowd["reconnect"]
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--scale", type=Path, default=Path("out/scale.json"), metavar="FILE")
    parser.add_argument("--reconnect", type=Path, default=Path("out/reconnect.json"), metavar="FILE")
    options = parser.parse_args()
    sys.stdout.write(page(json.loads(options.scale.read_text()), json.loads(options.reconnect.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The page about 10 k, 100 k and 1 M patients, computed from measured costs.

python -m benchmarks.capacity                        prints docs/capacity.md
python -m benchmarks.capacity --take out/bench.json  puts a run's figures into benchmarks/capacity/costs.json first
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.capacity import model
from benchmarks.capacity.costs import SOURCES, Costs, load, rows_of, take
from benchmarks.capacity.model import LOADS, Load, most_gateways, most_patients, need
from benchmarks.errors import BenchmarkError

PATIENTS: Final = (10_000, 100_000, 1_000_000)
_WIDTH: Final = 125

HEAD: Final = """\
# Capacity

Computed by `python -m benchmarks.capacity` from `benchmarks/capacity/costs.json`: what {rows} measured on {cores} shared
cores ({cpu}, Python {python}, Kafka {kafka}, PostgreSQL {postgresql}). A test fails when this page is not what the
script makes of that file. **A model: it multiplies costs, and nothing of this size has run here.**

## Assumed

- {BUSY:.0%} of each core is used on average: the rest is for catching up, bursts, and whoever takes over.
- A core is one of the machine named above. Workers and brokers share nothing with each other; workers have one core
  each and are two at least, brokers have {BROKER_CORES} cores each and are three at least.
- Costs a sample and bytes a patient hold at any size; a worker's memory is what it needs
  while another is dead. At most {PARTITIONS} workers share the {PARTITIONS} partitions.
- Each patient has a gateway of their own that heartbeats every {HEARTBEAT_S} s, in a record as long as a batch of one
  reading.
- {COPIES} copies of the log for {LOG_DAYS} days, every batch in a record batch of its own. Replication makes
  a batch cost all brokers together {REPLICATION:g} times what it cost a single one.
- Readings are kept {READING_DAYS} days, rollups of minutes and hours {ROLLUP_DAYS} days; nothing is compressed. Disks
  are of one copy: a standby is as much again.
- One patient in 100 is beyond a limit. TLS, people at the desk and faults cost nothing.

## Workers, brokers, database and disk"""

FRONT: Final = """\
## Where Kafka needs a front

1,000 gateways that connect at once were all acknowledged after {connected:.1f} s, and {reconnected:.1f} s after their
broker was killed and started again. A connection cost the broker {connection:.1f} ms of CPU and
{connection_memory:.0f} KB, a batch that comes alone {request:.2f} ms. So many gateways are carried without a front,
and are connected again within {PATIENCE_S:.0f} s:

{table}

Beyond the smaller number Kafka needs more brokers, or a front: an MQTT broker cluster or an HTTP ingest that hands
the sealed records on with a few producers, many to a request. Nothing is opened there, and the log holds the same.
More than 1,000 gateways have not been tried; 1,000,000 connections would hold {gigabytes:.0f} GB of the brokers'
memory at that cost."""


def page(costs: Costs) -> str:
    """docs/capacity.md."""
    head = HEAD.format(rows=_and(rows_of(list(SOURCES))), **costs.machine, **vars(model))
    parts = [head]
    for one in LOADS:
        parts += [f"**{one.name[0].upper()}{one.name[1:]}**", _needs(one, costs)]
    parts += ["\n".join(_summary(one, costs) for one in LOADS), _front(costs), "## The costs", _costs(costs)]
    return _wrapped("\n\n".join(parts)) + "\n"


def _needs(load_: Load, costs: Costs) -> str:
    heads = ("patients", "samples/s", "batches/s", "workers", "GB each", "database cores", "its log, MB/s", "brokers",
             "Kafka's disks, TB", "readings, TB", "rollups, TB")  # fmt: skip
    rows = []
    for patients in PATIENTS:
        one = need(load_, costs, patients)
        workers = f"{one.workers}" if one.workers <= model.PARTITIONS else f"{one.workers}: more than partitions"
        rows.append((
            f"{patients:,}", f"{one.samples:,.0f}", f"{one.batches:,.0f}", workers, _short(one.worker_gb),
            _short(one.database_cores), _short(one.wal_mb_s), f"{one.brokers}", _short(one.log), _short(one.readings),
            _short(one.rollups),
        ))  # fmt: skip
    return _table(heads, rows)


def _summary(load_: Load, costs: Costs) -> str:
    largest = need(load_, costs, PATIENTS[-1])
    return (
        f"- {load_.name[0].upper()}{load_.name[1:]}: {model.PARTITIONS} workers carry {_round(most_patients(load_, costs))}"
        f" patients. {PATIENTS[-1]:,} need one database that writes {largest.wal_mb_s:,.0f} MB/s of its log on"
        f" {largest.database_cores:.0f} cores: where that is more than one server gives, patients are split over several"
        " systems."
    )


def _front(costs: Costs) -> str:
    rows = []
    for one in LOADS:
        for brokers in (3, 9):
            most = most_gateways(one, costs, brokers)
            rows.append((one.name, f"{brokers}", *(_round(number) for number in most.values())))
    heads = "load, one gateway a patient", "brokers", "by their batches", "by reconnecting"
    medians = {name: one.value for name, one in costs.costs.items()}
    gigabytes = 1e6 * costs["connection_memory"] / 2**20
    return FRONT.format(**medians, **vars(model), table=_table(heads, rows), gigabytes=gigabytes)


def _costs(costs: Costs) -> str:
    rows = [
        (*SOURCES[name], f"{one.value:,.4g}", f"{one.low:,.4g} – {one.high:,.4g}", one.unit, one.at)
        for name, one in costs.costs.items()
    ]
    return _table(("row", "what", "median", "low – high", "unit", "measured"), rows)


def _short(number: float) -> str:
    """A number of cores or disks, with one decimal where it is small."""
    if number < 0.1:
        return "< 0.1"
    return f"{number:.1f}" if number < 10 else _round(number)


def _round(number: float) -> str:
    """To two digits: a model promises no more."""
    return f"{float(f'{number:.2g}'):,.0f}"


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]


def _wrapped(text: str) -> str:
    """Paragraphs and the items of lists in lines of a width; tables and headings as they are."""
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith(("|", "#", "**")):
            blocks.append(block)
            continue
        items = []
        for item in re.split(r"\n(?=- )", block):
            hang = "  " if item.startswith("- ") else ""
            items += textwrap.wrap(" ".join(item.split()), _WIDTH, subsequent_indent=hang, break_on_hyphens=False)
        blocks.append("\n".join(items))
    return "\n\n".join(blocks)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads), *map(list, rows)])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description="what patients need, as Markdown")
    parser.add_argument("--take", type=Path, nargs="+", default=[], metavar="RUN", help="files that benchmarks --json wrote")
    options = parser.parse_args(arguments)
    try:
        if options.take:
            take(options.take)
        sys.stdout.write(page(load()))
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

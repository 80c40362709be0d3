"""The figures of the demo's screen and summary: the programs' health, the worker's metrics, the database's counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import psycopg
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.demo.summary import Quantiles

LATENCY = "vigil_sample_to_committed_seconds"


@dataclass(frozen=True, slots=True)
class WorkerMetrics:
    """``samples`` stored since the worker began; ``buckets``: (upper bound in s, count so far), ``behind`` in s."""

    samples: float = 0.0
    behind: float = 0.0
    buckets: tuple[tuple[float, float], ...] = ()

    def latency(self, since: WorkerMetrics | None = None) -> Quantiles:
        """Upper bounds of the buckets that hold each quantile of sample → committed, in ms."""
        before = dict(since.buckets) if since else {}
        counts = [(bound, count - before.get(bound, 0.0)) for bound, count in self.buckets]
        if not counts or not counts[-1][1]:
            return Quantiles()
        total = counts[-1][1]
        return Quantiles(*(_bound(counts, share * total) for share in (0.5, 0.99, 1.0)))


def _bound(counts: list[tuple[float, float]], wanted: float) -> float | None:
    for bound, count in counts:
        if count >= wanted and bound != float("inf"):
            return round(bound * 1000, 1)
    return None


def exported(port: int) -> Iterator[Sample]:
    """All samples that a program of this machine exports now; none while it does not answer."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=1).raise_for_status().text
    except httpx.HTTPError:
        return
    for family in text_string_to_metric_families(text):
        yield from family.samples


def gauge(port: int, name: str) -> float | None:
    """The value of a gauge without labels; None where there is none."""
    return next((sample.value for sample in exported(port) if sample.name == name), None)


def worker_metrics(port: int) -> WorkerMetrics:
    """The worker's metrics now; zeros while it does not answer."""
    values: dict[str, float] = {}
    buckets: list[tuple[float, float]] = []
    for sample in exported(port):
        if sample.name == f"{LATENCY}_bucket":
            buckets.append((float(sample.labels["le"]), sample.value))
        else:
            values[sample.name] = sample.value
    return WorkerMetrics(
        values.get("vigil_samples_stored_total", 0.0), values.get("vigil_seconds_behind", 0.0), tuple(sorted(buckets))
    )


@dataclass(frozen=True, slots=True)
class OpenAlarms:
    """Open alarms by priority, and the newest few as (priority, patient, rule in words, life), each once."""

    high: int = 0
    medium: int = 0
    low: int = 0
    newest: list[tuple[int, int, str, str]] = field(default_factory=list)


def open_alarms(db: psycopg.Connection) -> OpenAlarms:
    rows = list(_rows(db))
    counts = {p: sum(row[0] == p for row in rows) for p in (3, 2, 1)}
    newest = dict.fromkeys((priority, patient, plain(rule), life) for priority, patient, rule, life in rows)
    return OpenAlarms(counts[3], counts[2], counts[1], list(newest)[:8])


def plain(rule: str) -> str:
    """A rule as people say it."""
    return rule.replace("_", " ").replace(".", " ").replace("news2", "NEWS2").replace("spo2", "SpO₂")


def _rows(db: psycopg.Connection) -> Iterator[tuple[int, int, str, str]]:
    yield from db.execute(
        "SELECT priority, subject, rule, life FROM alarm WHERE closed IS NULL AND subject_kind = 'patient'"
        " ORDER BY onset DESC, priority DESC"
    )

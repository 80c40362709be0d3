"""The metrics of a gateway; no label names a patient or device."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The counters of one gateway, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._readings = Counter(
            "vigil_gateway_readings",
            "Readings by stage: measured, committed, recognised, delivered, undelivered, unstored",
            ["stage"],
            registry=self.registry,
        )
        self._samples = Counter(
            "vigil_gateway_samples", "Samples by stage: measured, committed", ["stage"], registry=self.registry
        )
        self._refused = Counter(
            "vigil_gateway_refused",
            "Refused messages by reason",
            ["reason"],
            registry=self.registry,
        )
        self._waiting = Gauge("vigil_gateway_waiting", "Readings not yet delivered", registry=self.registry)
        self._fill = Gauge("vigil_gateway_outbox_fill", "Part of the outbox in use", registry=self.registry)
        self._links = Gauge("vigil_gateway_links", "Devices connected", registry=self.registry)
        self._failures = Counter(
            "vigil_gateway_task_failures",
            "Tasks that failed or ended, and were started again",
            ["task"],
            registry=self.registry,
        )
        self._topics = Gauge("vigil_gateway_topics", "Topics the gateway may read", registry=self.registry)

    def readings(self, stage: str, count: int = 1) -> None:
        """Count readings by ``stage``.

        ``measured``: decoded; ``committed``: on disk; ``recognised``: stored before; ``delivered``: acknowledged by Kafka;
        ``undelivered``: an attempt failed; ``unstored``: the outbox had no room and the source cannot send it again.
        """
        self._readings.labels(stage).inc(count)

    def samples(self, stage: str, count: int) -> None:
        self._samples.labels(stage).inc(count)

    def refused(self, reason: str) -> None:
        """Count one refused message; ``reason`` is ``undecodable`` or ``topic``."""
        self._refused.labels(reason).inc()

    def task_failed(self, task: str) -> None:
        """Count one task that had to be started again."""
        self._failures.labels(task).inc()

    def outbox(self, waiting: int, fill: float) -> None:
        self._waiting.set(waiting)
        self._fill.set(fill)

    def link(self, change: int) -> None:
        self._links.inc(change)

    def topics(self, count: int) -> None:
        self._topics.set(count)

"""What a gateway counts; no label names a patient or device."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The counters of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._readings = Counter(
            "vigil_gateway_readings",
            "Readings by what became of them: measured, committed, recognised, delivered, undelivered, unstored",
            ["stage"],
            registry=self.registry,
        )
        self._samples = Counter(
            "vigil_gateway_samples", "Samples by what became of them: measured, committed", ["stage"], registry=self.registry
        )
        self._refused = Counter(
            "vigil_gateway_refused",
            "Messages no reading could be made of, by kind of reason",
            ["reason"],
            registry=self.registry,
        )
        self._waiting = Gauge("vigil_gateway_waiting", "Readings not yet delivered", registry=self.registry)
        self._fill = Gauge("vigil_gateway_outbox_fill", "Part of the outbox in use", registry=self.registry)
        self._links = Gauge("vigil_gateway_links", "Devices connected", registry=self.registry)
        self._topics = Gauge("vigil_gateway_topics", "Topics the MQTT broker lets us hear", registry=self.registry)

    def readings(self, stage: str, count: int = 1) -> None:
        """``measured``: decoded; ``committed``: on disk; ``recognised``: had been; ``delivered``: Kafka has it;
        ``undelivered``: an attempt failed; ``unstored``: the outbox had no room and the source cannot send it again.
        """
        self._readings.labels(stage).inc(count)

    def samples(self, stage: str, count: int) -> None:
        self._samples.labels(stage).inc(count)

    def refused(self, reason: str) -> None:
        """``undecodable``, ``topic`` or ``device``."""
        self._refused.labels(reason).inc()

    def outbox(self, waiting: int, fill: float) -> None:
        self._waiting.set(waiting)
        self._fill.set(fill)

    def link(self, change: int) -> None:
        self._links.inc(change)

    def topics(self, count: int) -> None:
        self._topics.set(count)

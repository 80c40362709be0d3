"""The desk's metrics for Prometheus; no label names a person or a patient."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry for each application, so that several can run in one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("vigil_desk_requests_total", "Requests answered", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            "vigil_desk_request_seconds", "Time to answer, streams left out", ["route"], registry=registry
        )
        self.reads = Histogram("vigil_desk_list_read_seconds", "Time to read the whole list", registry=registry)
        self.faults = Gauge("vigil_desk_unreadable", "Stored things of patients that cannot be read", registry=registry)
        self.part_failures = Counter(
            "vigil_desk_part_failures_total", "Ends of tasks that should run for ever", ["part"], registry=registry
        )
        self.data_age = Gauge("vigil_desk_data_age_seconds", "Age of the newest record of the log", registry=registry)
        self.alarms = Gauge("vigil_desk_open_alarms", "Open alarms", ["kind"], registry=registry)
        self.streams = Gauge("vigil_desk_streams", "Open streams", registry=registry)
        self.sign_ins = Counter("vigil_desk_sign_ins_total", "Tries to sign in", ["result"], registry=registry)
        self.claims = Counter("vigil_desk_claims_total", "Tries to claim a gateway", ["result"], registry=registry)

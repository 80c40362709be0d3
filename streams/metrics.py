"""Metrics of a worker."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

ROUNDS: Final = Counter("vigil_rounds", "Rounds committed")
RECORDS: Final = Counter("vigil_records", "Records of the log committed")
READINGS: Final = Counter("vigil_readings_stored", "New readings stored")
SAMPLES: Final = Counter("vigil_samples_stored", "Samples kept (copies included)")
REJECTED: Final = Counter("vigil_rejected", "Records and readings rejected", ["reason"])
KEYS_DAMAGED: Final = Counter("vigil_keys_damaged", "Data keys found that cannot be opened")
REFUSED_DROPPED: Final = Counter("vigil_refused_dropped", "Refused records not kept: their sender had too many")
QUARANTINED: Final = Counter("vigil_quarantined", "Records quarantined")
CONDITIONS: Final = Counter("vigil_conditions", "Conditions that began, changed or ended")
CONDITIONS_HELD: Final = Counter("vigil_conditions_held", "Alarms whose conditions wait: another session holds them")
LOST: Final = Counter("vigil_partitions_lost", "Partitions found taken by another worker at a commit")
REFOLDED: Final = Counter("vigil_records_refolded", "Records read again after a restart, without writing")
RETRIES: Final = Counter("vigil_database_retries", "Attempts repeated because the database was away")
OWNED: Final = Gauge("vigil_partitions_owned", "Partitions this worker stores")
DAMAGED: Final = Gauge("vigil_partitions_damaged", "Partitions whose log does not go on where the ledger stands")
WAITING: Final = Gauge("vigil_bytes_waiting", "Bytes read and not yet stored")
BEHIND: Final = Gauge("vigil_seconds_behind", "Age of the newest record committed, by this host's clock")
CLOCK_SKEW: Final = Gauge("vigil_clock_skew_seconds", "Brokers' clock minus this host's, at the least, last clock record")
COMMIT: Final = Histogram(
    "vigil_commit_seconds", "One round's transaction", buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
)
COMPUTE: Final = Histogram(
    "vigil_compute_seconds", "Opening a round and the engine", buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
)


def serve(port: int) -> None:
    """Answer on 127.0.0.1:``port``; 0: not at all."""
    if port:
        start_http_server(port, addr="127.0.0.1")

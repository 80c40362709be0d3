"""The notifier's metrics for Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

PART_FAILURES: Final = Counter("vigil_notify_part_failures_total", "Ends of parts that should run for ever", ["part"])

"""Health and metrics."""

from __future__ import annotations

from tests.alerts.desk.conftest import Served
from tests.alerts.desk.hands import sign_in


def test_health_and_metrics_tell_nothing_about_anybody(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/healthz").json()["healthy"] is True
        text = client.get("/metrics").text
    assert "vigil_desk_list_read_seconds_count" in text
    assert 'route="/list"' in text or 'route="/"' in text
    assert "EXAMPLETON" not in text

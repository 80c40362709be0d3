"""Health and metrics."""

from __future__ import annotations

import httpx
import pytest

from alerts.control import path_watch
from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import Served
from tests.alerts.desk.hands import sign_in
from tests.alerts.notify.test_run import until


def test_health_and_metrics_tell_nothing_about_anybody(served: Served) -> None:
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/healthz").json()["healthy"] is True
        text = client.get("/metrics").text
    assert "vigil_desk_list_read_seconds_count" in text
    assert 'route="/list"' in text or 'route="/"' in text
    assert "EXAMPLETON" not in text


def test_health_says_which_part_of_the_way_is_away(settings: DeskSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"EVERY_S": 0.2, "SILENT_S": 0.5}.items():
        monkeypatch.setattr(path_watch, name, value)
    with Served(settings.model_copy(update={"watch_path": True, "kafka": "127.0.0.1:9"})) as served:
        until(lambda: len(httpx.get(f"{served.url}/healthz").json()["away"]) == 2)
        answer = httpx.get(f"{served.url}/healthz")
        assert httpx.get(f"{served.url}/livez").status_code == 200  # the desk itself works
    assert (answer.status_code, answer.json()["healthy"]) == (503, False)
    assert "The log (Kafka) does not do its work" in answer.json()["away"]["brokers"]
    assert "The notifier does not run" in answer.json()["away"]["notifier"]

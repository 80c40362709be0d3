"""The channel ``log``."""

from __future__ import annotations

from structlog.testing import capture_logs

from alerts.notify.channels.log import LogChannel
from alerts.notify.outbox import send_due
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.test_outbox import DESK, team

__all__ = ["team"]


def test_the_log_says_which_alarm_and_nothing_of_the_patient(db: Db, team: None) -> None:
    db.execute("UPDATE care_team SET channels = '{log}'")
    fold(db, condition())
    with capture_logs() as logs:
        assert send_due(db, LogChannel(), DESK) == 1
    (entry,) = [entry for entry in logs if entry["event"] == "notification"]
    assert set(entry) == {"event", "log_level", "recipient", "alarm", "priority", "category", "step", "count", "text"}
    assert "A patient's values need you: open the link" in entry["text"]

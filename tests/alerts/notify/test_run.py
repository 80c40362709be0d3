"""The notifier as it runs: messages, time and relay, through a database that ends its sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerts.care.admit import admit_patient
from alerts.care.teams import add_team
from alerts.notify.run import run
from alerts.settings import NotifySettings
from deploy.stack.kafka import Kafka
from devices.errors import MasterKeyError
from devices.wire.control import Facts
from tests.alerts.conftest import Db
from tests.alerts.control.test_relay import ADA, MASTER
from tests.alerts.fold.test_fold import condition, fold
from tests.alerts.notify.conftest import Provider

_WAITING = "SELECT count(*) FROM notification WHERE receipt IS NULL AND stopped IS NULL"


def until(true: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_tells_repeats_relays_survives_and_ends(
    db: Db, schema: str, kafka: Kafka, topic: str, provider: Provider, home: Path
) -> None:
    master = home / "master.key"
    master.write_bytes(MASTER)
    master.chmod(0o600)
    settings = NotifySettings(
        database=schema, kafka=kafka.bootstrap, topic=topic, master_key_file=master, webhook_url=provider.url, poll_s=0.3,
        desk_url="http://desk",
    )  # fmt: skip
    stop = threading.Event()
    notifier = threading.Thread(target=run, args=(settings, stop))
    with capture_logs() as logs:
        notifier.start()
        try:
            with db.transaction():
                team = add_team(db, "North", ["log", "webhook"])
                patient = admit_patient(db, MASTER, ADA, team, Facts(), by=1)
            until(lambda: db.execute("SELECT count(*) FROM control_outbox WHERE sent IS NULL").fetchone() == (0,))

            fold(db, condition(subject=patient, second=int(time.time()) - 59))
            until(lambda: provider.got)
            until(lambda: [message["step"] for message in provider.got] == [0, 1])
            until(lambda: db.execute(_WAITING).fetchone() == (0,))  # else a receipt is lost, and its lease runs minutes

            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'vigil %' AND datname = current_database()"
            )
            fold(db, condition(subject=patient, rule="heart_rate.high", vital=1, second=int(time.time())))
            until(lambda: len(provider.got) == 3)
            until(lambda: db.execute(_WAITING).fetchone() == (0,))
        finally:
            stop.set()
            notifier.join(10)
    assert not notifier.is_alive()
    assert db.execute(_WAITING).fetchone() == (0,)
    text = str(logs)
    assert "88.3" not in text
    assert "Exampleton" not in text
    assert "secret" not in text


def test_it_does_not_begin_without_the_master_key(tmp_path: Path) -> None:
    settings = NotifySettings(database="postgresql://nowhere", master_key_file=tmp_path / "none")
    with pytest.raises(MasterKeyError):
        run(settings, threading.Event())

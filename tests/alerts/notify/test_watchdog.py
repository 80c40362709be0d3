"""Whoever is on duty is paged when Vigil itself stands still, by what was last known where the database is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from alerts.care.teams import add_team
from alerts.control import path_watch
from alerts.control.path_watch import PathWatch
from alerts.notify import watchdog
from alerts.notify.run import run
from alerts.settings import NotifySettings
from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from tests.alerts.control.test_relay import MASTER
from tests.alerts.notify.conftest import Provider
from tests.alerts.notify.test_run import until

_OFFSETS = "UPDATE ledger SET next_offset = next_offset + 1"


@contextmanager
def notifier(settings: NotifySettings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same watch with shorter times; the real ones are within the minute that is promised."""
    assert max(path_watch.SILENT_S, path_watch.STALLED_S) + 2 * path_watch.EVERY_S + watchdog._LOOK_S < 60
    for name, value in {"EVERY_S": 0.5, "SILENT_S": 3.0, "STALLED_S": 4.0, "OVERDUE_S": 1.0}.items():
        monkeypatch.setattr(path_watch, name, value)


@pytest.fixture
def settings(plain_database: str, kafka: Kafka, topic: str, provider: Provider, home: Path) -> NotifySettings:
    migrate(plain_database)
    master = home / "master.key"
    master.write_bytes(MASTER)
    master.chmod(0o600)
    return NotifySettings(
        database=plain_database, kafka=kafka.bootstrap, topic=topic, master_key_file=master, webhook_url=provider.url,
        heartbeat_url=f"{provider.url}&alive=1", heartbeat_method="POST", heartbeat_s=1, poll_s=0.3, desk_url="http://desk",
    )  # fmt: skip


def pages(provider: Provider, words: str) -> list[str]:
    return [str(one["recipient"]) for one in provider.got if words in str(one.get("text"))]


@pytest.mark.usefixtures("quick")
def test_a_standstill_is_paged_to_everybody_whichever_part_is_away(
    settings: NotifySettings, postgres: Postgres, kafka: Kafka, provider: Provider
) -> None:
    flows = threading.Event()
    flows.set()
    over = threading.Event()

    def worker() -> None:
        while not over.wait(0.2):
            if flows.is_set():
                try:
                    with psycopg.connect(settings.database, connect_timeout=2) as db:
                        db.execute(_OFFSETS)
                except psycopg.OperationalError:
                    continue

    with psycopg.connect(settings.database) as db:
        add_team(db, "North")
        db.execute("INSERT INTO ledger (topic, topic_id, partition, next_offset, epoch, owner) "
                   "SELECT %s, 'x', p, 0, 1, 0 FROM generate_series(0, 63) p", [settings.topic])  # fmt: skip
    thread = threading.Thread(target=worker)
    thread.start()
    try:
        with notifier(settings):
            until(lambda: provider.heartbeats > 0, 30)
            assert provider.got == []

            flows.clear()
            until(lambda: sorted(pages(provider, "the workers stand still")) == ["operators", "team:1"], 30)
            flows.set()
            until(lambda: sorted(pages(provider, "Vigil works again")) == ["operators", "team:1"], 30)

            postgres.kill()
            until(lambda: sorted(pages(provider, "The database does not do its work")) == ["operators", "team:1"], 30)
            beats = provider.heartbeats
            time.sleep(2.5)
            assert provider.heartbeats == beats  # whoever listens for it calls somebody
            postgres.start()
            until(lambda: len(pages(provider, "Vigil works again")) == 4, 60)

            kafka.kill()
            until(lambda: sorted(pages(provider, "The log (Kafka) does not")) == ["operators", "team:1"], 30)
            kafka.spawn()
            kafka.wait()
            until(lambda: len(pages(provider, "Vigil works again")) == 6, 60)
            until(lambda: provider.heartbeats > beats, 30)
    finally:
        over.set()
        thread.join(10)
        if not postgres.healthy():
            postgres.start()
    assert "secret" not in str(provider.got)


@pytest.mark.usefixtures("quick")
def test_of_two_notifiers_one_pages_and_messages_that_wait_are_a_fault(settings: NotifySettings) -> None:
    stop = threading.Event()
    watches = [PathWatch(settings.database, settings.kafka, settings.topic, lead=True) for _ in range(2)]
    threads = [threading.Thread(target=one.watch_database, args=(stop,)) for one in watches]
    try:
        threads[0].start()
        until(lambda: watches[0].leads)
        threads[1].start()
        time.sleep(2)
        assert [one.leads for one in watches] == [True, False]
        with psycopg.connect(settings.database) as db:
            db.execute("INSERT INTO alarm (subject_kind, subject, rule, source, category, active, priority, onset, life)"
                       " VALUES ('patient', 1, 'news2', 0, 'physiological', true, 3, now(), 'unacknowledged')")  # fmt: skip
            db.execute("INSERT INTO notification (alarm, recipient, channel, step, due) VALUES"
                       " (1, 'team:1', 'webhook', 0, now() - interval '10 s')")  # fmt: skip
        until(lambda: [fault.part for fault in watches[0].faults() if fault.part == "messages"])
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)

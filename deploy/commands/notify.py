"""``vigil notify``: sends notifications, drives the alarms' timers, and relays control records into the log."""

from __future__ import annotations

import signal
import threading

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def notify() -> None:
        """Run the notifier: send, repeat and escalate until someone acts; relay control records to the log.

        Settings come from the environment: VIGIL_DATABASE, VIGIL_KAFKA, VIGIL_MASTER_KEY_FILE, VIGIL_NOTIFY_…
        Two of them may run: rows are locked, one relays.

        Example: VIGIL_KAFKA=127.0.0.1:9092 VIGIL_DATABASE=postgresql://… vigil notify
        """
        from psycopg.conninfo import conninfo_to_dict

        from alerts.settings import NotifySettings

        settings = NotifySettings()
        conninfo_to_dict(settings.database)  # else the notifier would try for ever, as if the database were away

        from alerts.notify.run import run
        from deploy.logs import configure

        configure()
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        run(settings, stop)

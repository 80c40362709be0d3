"""The notifier: every channel, the alarms' timer, the relay and the watchdog, each on a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from confluent_kafka import KafkaException

from alerts.care.channels import register_channels
from alerts.control.relay import run_relay
from alerts.database import connect, wait_for_hint
from alerts.errors import RelayError
from alerts.fold.fold import CHANNEL, ROTA
from alerts.notify.channel import Channel
from alerts.notify.channels.by_apprise import AppriseChannel
from alerts.notify.channels.log import LogChannel
from alerts.notify.channels.mail import MailChannel
from alerts.notify.channels.sms import SmsChannel
from alerts.notify.channels.webhook import WebhookChannel
from alerts.notify.circuit import WithCircuit
from alerts.notify.deadline import WithDeadline
from alerts.notify.due import EpisodeTimer
from alerts.notify.escalate import Escalator
from alerts.notify.holes import HoleWatch
from alerts.notify.metrics import PART_FAILURES
from alerts.notify.outbox import report_unknown_channels, send_due
from alerts.notify.watchdog import Watchdog, run_heartbeat
from alerts.settings import NotifySettings
from alerts.supervision import Supervisor
from devices.wire.keys import read_master_key

ENDING_S: Final = 6.0
"""The time in which threads may finish their work; after it they end with the process."""

_log = structlog.get_logger(__name__)
_Work = Callable[[psycopg.Connection[Any]], int]


def run(settings: NotifySettings, stop: threading.Event) -> None:
    """Run until ``stop``.  Several notifiers may run: rows are leased, alarms locked, and one of them relays.

    Raises:
        MasterKeyError: the master key cannot be used.
    """
    master = read_master_key(settings.master_key_file)  # fail before any thread begins
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, which may hold secrets
    channels = channels_of(settings)
    names = [channel.name for channel in channels]
    personal = [channel.name for channel in channels if channel.personal]

    registered: list[str] = []
    watchdog = Watchdog(settings, channels, master)

    def say_channels(db: psycopg.Connection[Any]) -> int:
        if registered != names:
            with db.transaction():
                register_channels(db, names, personal)
            registered[:] = names
        report_unknown_channels(db, [*names, ROTA])
        return 0

    bodies: dict[str, Callable[[], None]] = {
        "relay": partial(run_relay, settings, stop),
        "due": partial(_repeat, settings, stop, "due", EpisodeTimer().tick_due),
        "escalation": partial(_repeat, settings, stop, "escalation", Escalator().escalate_due),
        "holes": partial(_repeat, settings, stop, "holes", HoleWatch().look),
        "channels": partial(_repeat, settings, stop, "channels", say_channels),
        "watch database": partial(watchdog.path.watch_database, stop),
        "watch brokers": partial(watchdog.path.watch_brokers, stop),
        "watchdog": partial(watchdog.run, stop),
        "heartbeat": partial(run_heartbeat, settings, watchdog.path, stop),
    }
    for channel in channels:
        work = partial(send_due, channel=channel, desk_url=settings.desk_url, master=master)
        bodies[channel.name] = partial(_repeat, settings, stop, channel.name, work)
    supervisor = Supervisor(PART_FAILURES, (psycopg.OperationalError, KafkaException, RelayError))
    threads = [
        threading.Thread(target=supervisor.keep_in_thread, args=(name, body, stop), name=name, daemon=True)
        for name, body in bodies.items()
    ]
    for thread in threads:
        thread.start()
    _log.info("notifier runs", channels=names)
    stop.wait()
    end = time.monotonic() + ENDING_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def channels_of(settings: NotifySettings) -> list[Channel]:
    """The configured channels."""
    channels: list[Channel] = [LogChannel()]
    if settings.webhook_url:
        url = settings.webhook_url.get_secret_value()
        secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
        channels.append(WebhookChannel(url, settings.webhook_timeout_s, secret))
    if settings.apprise or settings.apprise_urls:
        channels.append(AppriseChannel(settings.apprise_urls.get_secret_value() if settings.apprise_urls else ""))
    if settings.smtp_host:
        channels.append(_mail(settings))
    if settings.sms_url:
        channels.append(
            SmsChannel(
                settings.sms_url.get_secret_value(),
                settings.sms_form,
                settings.sms_authorization.get_secret_value(),
                settings.sms_to,
                settings.webhook_timeout_s,
            )
        )
    return [WithCircuit(WithDeadline(channel)) for channel in channels]


def _mail(settings: NotifySettings) -> MailChannel:
    return MailChannel(
        settings.smtp_host,
        settings.smtp_from,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        to=settings.smtp_to,
        timeout_s=settings.webhook_timeout_s,
    )


def _repeat(settings: NotifySettings, stop: threading.Event, name: str, work: _Work) -> None:
    """Do ``work`` while there is some, then wait for a hint or for ``poll_s``."""
    with connect(settings.database, f"notify {name}") as db:
        db.execute(f"LISTEN {CHANNEL}")
        while not stop.is_set():
            if not work(db):
                wait_for_hint(db, settings.poll_s)

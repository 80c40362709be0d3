"""The watchdog: it pages when Vigil itself does not watch, by every channel, also while the database is away.

Pages about parts of Vigil are no rows of ``notification``: the table may be what is away.  They go to the operators, to
every care team and to whoever its rota would call now, by the channels last read, and again every few minutes until the part
does its work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psycopg
import structlog

from alerts.care.channels import team_channels
from alerts.care.reach import on_call
from alerts.control.path_watch import Fault, Part, PathWatch
from alerts.database import now
from alerts.errors import ChannelError
from alerts.fold.fold import OPERATORS
from alerts.notify.channel import Channel, Message
from alerts.rota.errors import RotaFileError
from alerts.settings import NotifySettings
from streams.engine.condition import Priority

AGAIN_S: Final = 300.0
_LOOK_S: Final = 1.0
_UNWATCHED: Final = (
    "Vigil raises no new alarms: call whoever runs it (vigil doctor names the cause), and observe patients by other means."
)
_AGAIN: Final = "Vigil works again: look at the desk for what came meanwhile."
_LATE: Final = "Look at the desk for alarms, and call whoever runs Vigil (vigil doctor names the cause)."

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Episode:
    """One fault from its first page on; ``left``: who is still to be told in this step."""

    since: int  # unix seconds, for the key alone
    sentence: str
    step: int = -1
    paged_at: float = 0.0  # monotonic
    left: list[tuple[str, str]] = field(default_factory=list)


class Watchdog:
    """Pages for the faults of ``path`` by ``channels`` (by name)."""

    def __init__(self, settings: NotifySettings, channels: Sequence[Channel], master: bytes = b"") -> None:
        self._master = master
        self.path = PathWatch(settings.database, settings.kafka, settings.topic, lead=True, read_also=self._remember_teams)
        self._channels: Mapping[str, Channel] = {one.name: one for one in channels}
        self._desk_url = settings.desk_url.rstrip("/")
        self._teams: dict[str, tuple[str, ...]] = {}
        self._people: dict[tuple[str, str], str] = {}  # addresses, by recipient and channel
        self._standing: dict[Part, _Episode] = {}

    def run(self, stop: threading.Event) -> None:
        """Page until ``stop``."""
        while not stop.is_set():
            self.look(self.path.faults())
            stop.wait(_LOOK_S)

    def look(self, faults: Sequence[Fault]) -> None:
        """Page for these faults where it is time to, and say once that a part does its work again."""
        at = time.monotonic()
        found = {fault.part: fault.sentence for fault in faults}
        for part in [one for one in self._standing if one not in found]:
            over = self._standing.pop(part)
            _log.info("a part of Vigil works again", part=part)
            if self.path.leads:
                self._send(part, over, _AGAIN, self._everybody(), Priority.LOW)
        for part, sentence in found.items():
            if part not in self._standing:
                _log.error("a part of Vigil does not work", part=part, sentence=sentence)
                self._standing[part] = _Episode(int(time.time()), sentence)
            episode = self._standing[part]
            episode.sentence = sentence
            if not self.path.leads:
                continue
            if episode.step < 0 or at - episode.paged_at > AGAIN_S:
                episode.step, episode.paged_at, episode.left = episode.step + 1, at, self._everybody()
            episode.left = self._send(
                part, episode, f"{sentence} {_LATE if part == 'messages' else _UNWATCHED}", episode.left
            )

    def _everybody(self) -> list[tuple[str, str]]:
        """Each recipient with each channel that tells them; the operators are told by every one that needs no address."""
        return [
            *((OPERATORS, name) for name, channel in self._channels.items() if not channel.personal),
            *((who, name) for who, names in self._teams.items() for name in names if name in self._channels),
            *(one for one in self._people if one[1] in self._channels),
        ]

    def _send(
        self, part: Part, episode: _Episode, words: str, to: list[tuple[str, str]], priority: Priority = Priority.HIGH
    ) -> list[tuple[str, str]]:
        """Send to each, and return those that are to be tried again."""
        failed = []
        for recipient, name in to:
            message = Message(
                key=f"vigil-watchdog-{part}-{episode.since}-{max(episode.step, 0)}-{priority.word}-{recipient}",
                recipient=recipient,
                alarm=0,
                link=self._desk_url,
                priority=priority,
                category="technical",
                step=max(episode.step, 0),
                rule="pipeline_stopped",
                words=words,
                address=self._people.get((recipient, name), ""),
            )
            try:
                self._channels[name].send(message)
            except ChannelError as error:
                _log.warning("page not sent", channel=name, part=part, reason=error.reason)
                failed.append((recipient, name))
        return failed

    def _remember_teams(self, db: psycopg.Connection[Any]) -> None:
        found = team_channels(db)
        self._teams = {f"team:{one.team}": one.used for one in found}
        at, people = now(db), dict[tuple[str, str], str]()
        for team in found:
            try:
                people |= on_call(db, self._master, team.team, at)
            except RotaFileError as error:
                _log.error("a rota cannot be read", team=team.team, line=error.faults[0].line)
        self._people = people


def run_heartbeat(settings: NotifySettings, path: PathWatch, stop: threading.Event) -> None:
    """Tell an external receiver every minute that all is well; it calls somebody when it hears nothing."""
    if settings.heartbeat_url is None:
        stop.wait()
        return
    trust = httpx.create_ssl_context()
    url = settings.heartbeat_url.get_secret_value()
    with httpx.Client(verify=trust, timeout=settings.webhook_timeout_s, trust_env=False) as client:
        while not stop.wait(settings.heartbeat_s):
            if path.faults():
                continue
            try:
                answer = client.request(settings.heartbeat_method, url)
                if not answer.is_success:
                    _log.warning("heartbeat not taken", answered=answer.status_code)
            except (httpx.HTTPError, httpx.InvalidURL) as error:  # its text may name the address, which may hold a secret
                _log.warning("heartbeat not sent", reason=type(error).__name__)

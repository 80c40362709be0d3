"""All servers of the demo at once."""

from __future__ import annotations

import fcntl
import json
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self

from deploy.stack.dbus import Dbus
from deploy.stack.errors import HomeInUseError, ProgramMissingError, StartCancelledError
from deploy.stack.kafka import Kafka
from deploy.stack.mqtt import Mosquitto, MqttBroker, Rumqttd
from deploy.stack.postgres import Postgres
from deploy.stack.progress import Progress, silent
from deploy.stack.server import Server
from deploy.stack.topics import vitals_topic

MqttKind = Literal["rumqttd", "mosquitto"]


@dataclass(frozen=True)
class Status:
    """The state of a server: memory in bytes, `ready_s` the duration of its start."""

    name: str
    version: str
    address: str
    ready_s: float
    memory: int
    healthy: bool


class EmbeddedStack:
    """Kafka with its topic, PostgreSQL, an MQTT broker and a D-Bus: children of this process, all on 127.0.0.1.

    Everything is kept in `home`, ports and passwords too, so a second start has the same data at the same addresses.
    `mqtt_users` are the names of MQTT users, the first a gateway's; a password is made for each once and kept.
    `proxied` opens Kafka's listener for clients behind a proxy; without `database` there is no PostgreSQL.
    Without the program dbus-daemon the rest starts all the same: `dbus` is None and `missing` says why.
    May be started and stopped from any thread; use it as a context manager, or call `stop` whatever `start` did.

    Raises:
        HomeInUseError: another process has a stack in `home`.
    """

    def __init__(
        self,
        home: Path,
        *,
        mqtt: MqttKind = "rumqttd",
        mqtt_users: Sequence[str] = ("gateway",),
        retention_days: float = 2,
        proxied: bool = False,
        database: bool = True,
    ) -> None:
        self.home = home.absolute()
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._lock = _take(self.home)
        self._retention_days = retention_days
        self.kafka = Kafka(self.home / "kafka", proxied=proxied)
        self.postgres = Postgres(self.home / "postgres") if database else None
        passwords = _kept_passwords(self.home / "mqtt-users.json", mqtt_users)
        self.mqtt: MqttBroker = {"rumqttd": Rumqttd, "mosquitto": Mosquitto}[mqtt](self.home / "mqtt", passwords)
        self.dbus: Dbus | None = Dbus(self.home / "dbus")
        self.missing: dict[str, str] = {}
        self._ready: dict[str, tuple[float, str]] = {}
        self._stopping = False

    @property
    def components(self) -> list[Server]:
        """The servers there are, in the order in which they should be shown."""
        there: list[Server | None] = [self.kafka, self.postgres, self.mqtt, self.dbus]
        return [component for component in there if component]

    def start(self, progress: Progress = silent) -> Self:
        """Start what does not run, in parallel; all is stopped again when one of them fails.

        Raises:
            StackError: a server cannot be started.
        """
        if self._lock.closed:
            self._lock = _take(self.home)
        self._stopping = False

        def unless_stopped(component: str, step: str, done: float | None = None, /) -> None:
            if self._stopping:
                raise StartCancelledError(component)
            progress(component, step, done)

        try:
            with ThreadPoolExecutor(len(self.components), "stack") as pool:
                futures = [pool.submit(self._start, component, unless_stopped) for component in self.components]
            for future in futures:
                future.result()
        except BaseException:
            self.stop()
            raise
        return self

    def status(self) -> list[Status]:
        """The state of each server now; takes a few milliseconds, up to 2 s a server that does not answer."""
        found = []
        for one in self.components:
            ready_s, version = self._ready.get(one.name, (0.0, ""))
            found.append(Status(one.name, version, one.address, ready_s, one.memory(), one.healthy()))
        return found

    def stop(self) -> None:
        """Stop all in parallel and wait; at most 20 s, after which the rest is killed.  A second call does nothing.

        Called while another thread starts them (Ctrl-C), it makes that start end at its next step.
        """
        self._stopping = True
        with ThreadPoolExecutor(len(self.components), "stack") as pool:
            futures = [pool.submit(component.stop) for component in self.components]
        self._lock.close()
        for future in futures:
            future.result()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, component: Server, progress: Progress) -> None:
        if component.name in self._ready and component.healthy():
            return
        began = time.monotonic()
        try:
            component.start(progress)
        except ProgramMissingError as error:
            if component is not self.dbus:
                raise
            self.missing[component.name], self.dbus = str(error), None
            progress(component.name, str(error), 1.0)
            return
        if component is self.kafka:
            self.kafka.create(vitals_topic(brokers=1, retention_days=self._retention_days))
        self._ready[component.name] = (time.monotonic() - began, component.version())


def _take(home: Path) -> IO[str]:
    """The lock of the folder; it ends with its holder, however that ends."""
    lock = (home / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise HomeInUseError(home) from None
    return lock


def _kept_passwords(file: Path, names: Sequence[str]) -> dict[str, str]:
    """A password for each name, in the order of the names: the one in `file`, else a new one, written down."""
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    passwords = {name: known.get(name) or secrets.token_urlsafe(18) for name in names}
    file.touch(mode=0o600)
    file.write_text(json.dumps({**known, **passwords}))
    return passwords

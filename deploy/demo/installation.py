"""A whole installation in one folder: the embedded servers, the schema, the master key, and Vigil's own programs."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import httpx
import psycopg

from deploy.demo.programs import Program
from deploy.schema.migrate import migrate
from deploy.stack.port import kept_ports
from deploy.stack.progress import Progress, silent
from deploy.stack.stack import EmbeddedStack
from devices.wire.batch import PARTITIONS, TOPIC
from devices.wire.sealing import new_key

READY_S: Final = 60.0
CLI: Final = "deploy.cli"


class Installation:
    """Servers and programs of one folder; as a context manager it leaves nothing running.

    ``mqtt_users``: names of the wearables that speak MQTT, the gateways' user first.  ``database``: the URL of a PostgreSQL
    or TimescaleDB to use instead of the embedded one.  After :meth:`start` the database has
    its tables and ``environment`` is what every server-side program needs.
    """

    def __init__(self, home: Path, mqtt_users: tuple[str, ...] = ("gateway",), database: str | None = None) -> None:
        self.home = home.absolute()
        self.stack = EmbeddedStack(self.home, mqtt_users=mqtt_users, proxied=True, database=database is None)
        self._database = database
        self.programs: list[Program] = []
        self.master_key_file: Final = self.home / "master.key"
        ports = kept_ports(self.home / "ports.json", ["desk", "desk-proxy", "worker-metrics"])
        self.desk_port, self.desk_proxy_port, self.metrics_port = ports.values()

    @property
    def desk_url(self) -> str:
        return f"http://127.0.0.1:{self.desk_port}"

    @property
    def database(self) -> str:
        if self._database is not None:
            return self._database
        assert self.stack.postgres
        return self.stack.postgres.url

    @property
    def master_key(self) -> bytes:
        return self.master_key_file.read_bytes()

    @property
    def environment(self) -> dict[str, str]:
        """The settings of worker, desk and notifier."""
        return {
            "VIGIL_DATABASE": self.database,
            "VIGIL_KAFKA": self.stack.kafka.bootstrap,
            "VIGIL_TOPIC": TOPIC,
            "VIGIL_MASTER_KEY_FILE": str(self.master_key_file),
            "VIGIL_DESK_PUBLIC_URL": self.desk_url,  # the notifier links to it
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, progress: Progress = silent) -> None:
        """Servers, tables, master key.  StackError when a server cannot be started."""
        self.stack.start(progress)
        progress("tables", "applying")
        migrate(self.database)
        if not self.master_key_file.exists():
            descriptor = os.open(self.master_key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(new_key())
        progress("tables", "ready", 1.0)

    def serve(self, **settings: str) -> None:
        """Start desk and worker, without waiting.  ``settings``: more environment."""
        environment = self.environment | settings
        # it stops and starts as somebody likes to look at it: a stop as planned is never reported
        metrics = {"VIGIL_WORKER_METRICS_PORT": str(self.metrics_port), "VIGIL_WORKER_SILENCE_MIN": "65535"}
        served = {"VIGIL_DESK_PORT": str(self.desk_port)}
        worker = Program(
            "worker", CLI, ["worker"], environment | metrics, self.log_of("worker"), f"127.0.0.1:{self.metrics_port}",
            self._worker_owns_all,
        )  # fmt: skip
        desk = Program(
            "desk", CLI, ["desk"], environment | served, self.log_of("desk"), self.desk_url,
            lambda: answers(f"{self.desk_url}/livez"),
        )  # fmt: skip
        self.run(desk, worker)

    def notify(self) -> None:
        """Start the notifier.  It relays enrolments into the log; gateways learn of them once they have taken effect."""
        self.run(Program("notifier", CLI, ["notify"], self.environment, self.log_of("notifier")))

    def wait(self, *names: str, progress: Progress = silent) -> None:
        """Wait until each of these programs does its work; StackError when one ends or is not ready in 60 s."""
        for program in self.programs:
            if program.name in names:
                progress(program.name, "starting")
                program.wait_healthy(READY_S)
                progress(program.name, "ready", 1.0)

    def run(self, *programs: Program) -> None:
        for program in programs:
            self.programs.append(program)
            program.start()

    def stop(self) -> None:
        """Programs first, those that send before those that store; then the servers."""
        with ExitStack() as last:
            last.callback(self.stack.stop)
            with ThreadPoolExecutor(max(len(self.programs), 1)) as pool:
                list(pool.map(Program.stop, reversed(self.programs)))

    def memory_mb(self) -> dict[str, float]:
        """Megabytes (2²⁰) by component; pages that processes share are split among them."""
        parts = {part.name: part.memory() for part in self.stack.components}
        parts |= {program.name: program.memory() for program in self.programs}
        return {name: round(size / 2**20, 1) for name, size in parts.items()}

    def log_of(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _worker_owns_all(self) -> bool:
        return answers(f"http://127.0.0.1:{self.metrics_port}/metrics") and self._partitions_taken()

    def _partitions_taken(self) -> bool:
        with psycopg.connect(self.database) as db:
            row = db.execute(
                "SELECT count(*) FROM ledger l JOIN pg_stat_activity a ON a.pid = l.owner WHERE l.topic = %s", (TOPIC,)
            ).fetchone()
        return bool(row and row[0] == PARTITIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def answers(url: str) -> bool:
    """Return whether an HTTP server of this machine answers 200 within a second."""
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def default_home(name: str) -> Path:
    """The default folder of an installation."""
    if os.geteuid() == 0:
        return Path("/var/lib/vigil") / name
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "vigil" / name

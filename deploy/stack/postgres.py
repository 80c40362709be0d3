"""PostgreSQL as a child process, listening on 127.0.0.1 only."""

from __future__ import annotations

import secrets
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from deploy.stack.child import Child
from deploy.stack.errors import ServerNotReadyError
from deploy.stack.port import kept_ports
from deploy.stack.postgres_programs import check_open, embedded_programs, server_user
from deploy.stack.progress import Progress, silent
from deploy.stack.server import SingleServer

ROLE = "vigil"
DATABASE = "vigil"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_worker_processes": "12",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # statements and the details of errors hold values of patients: neither goes to the log
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

Programs = Callable[[str | None, Progress], Path]


class Postgres(SingleServer):
    """A server with its data, password and port in `home`; the role `vigil` owns it, the database `vigil` exists.

    `programs` gives the folder of initdb and postgres for the user that will run them; `settings` are added to ours.
    """

    name, log, start_s = "PostgreSQL", "postgres.log", 60
    stop_signal = signal.SIGINT  # fast shutdown: it ends the sessions and writes a checkpoint

    def __init__(
        self, home: Path, *, programs: Programs = embedded_programs, settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(home)
        self.port = kept_ports(self.home / "ports.json", ["server"])["server"]
        self._programs, self._settings = programs, {**_SETTINGS, **(settings or {})}
        self._data, self._password = self.home / "data", self.home / "password"
        self._folder = self.home  # of the programs, once they are known

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """A URL with the password in it: for clients, never for logs or screens."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of another database of this server."""
        return f"postgresql://{ROLE}:{self._password.read_text()}@{self.address}/{database}"

    def start(self, progress: Progress = silent) -> Self:
        """Start the server, made first if need be, and wait until it answers; does nothing when it runs.

        Raises:
            StackError: its programs are missing, its folder is closed to its user, or it does not come up.
        """
        if self.running:
            return self
        user = server_user()
        programs = self._folder = self._programs(user, progress)
        if not (self._data / "PG_VERSION").exists():
            progress(self.name, "making a database cluster")
            self._initialise(programs, user)
        text = "".join(f"{key} = '{value}'\n" for key, value in self._settings.items())
        (self._data / "postgresql.auto.conf").write_text(text)
        progress(self.name, "starting")
        self._launch(user, time.monotonic() + self.start_s)
        self._create_database()
        progress(self.name, "ready", 1.0)
        return self

    def healthy(self) -> bool:
        if not self.running:
            return False
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def version(self) -> str:
        with psycopg.connect(self.url_of("postgres"), connect_timeout=5) as db:
            row = db.execute("SELECT split_part(current_setting('server_version'), ' ', 1)").fetchone()
        assert row
        return str(row[0])

    def _command(self) -> Sequence[str | Path]:
        return [self._folder / "postgres", "-D", self._data, "-p", str(self.port)]

    def _initialise(self, programs: Path, user: str | None) -> None:
        # in a folder of another name until it is whole, so that an interrupted start leaves nothing half made
        making = self.home / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_urlsafe(18))
        if user:
            check_open(making, user)
            shutil.chown(making, user)
            shutil.chown(self._password, user)
        options = ["-U", ROLE, "-A", "scram-sha-256", "-E", "UTF8", "--no-instructions", "--no-sync"]
        # the builtin provider sorts alike on every host; a host need not have any locale but C
        options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command: list[str | Path] = [programs / "initdb", "-D", making, f"--pwfile={self._password}", *options]
        setup = Child("initdb", command, self.home / "initdb.log", user=user)
        if setup.popen.wait(60):
            raise ServerNotReadyError(self.name, "could not make its folder", setup.log, setup.tail())
        making.replace(self._data)

    def _launch(self, user: str | None, end: float) -> None:
        while True:
            self._forget_zombie()
            self.child = child = Child(self.name, self._command(), self.home / self.log, user=user, death_signal="QUIT")
            try:
                return child.wait_until(self.healthy, max(end - time.monotonic(), 1))
            except ServerNotReadyError as error:
                # after the sudden end of a server, it or its children may need a moment to be gone
                dying = any(sign in error.tail for sign in ("shared memory block", "postmaster.pid"))
                if child.running or not dying or time.monotonic() > end:
                    child.stop(signal.SIGQUIT)
                    raise
                time.sleep(0.1)

    def _forget_zombie(self) -> None:
        """A server killed together with its parent stays a zombie where nobody reaps; its pid file would block us."""
        file = self._data / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n")[0])
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return
        if state == "Z":
            file.unlink(missing_ok=True)

    def _create_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=10) as db:
            if db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

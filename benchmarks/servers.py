"""Kafka and PostgreSQL for the measurements, started in place and gone afterwards."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import sql

from benchmarks.figures import Say
from benchmarks.loads.spending import spent
from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from deploy.stack.topics import vitals_topic

GROWING: Final = ("reading", "rollup_minute")


class Servers:
    """One broker and one database server; as a context manager they end with it, unless they were there before."""

    def __init__(self, say: Say, kafka: Kafka | None = None, postgres: Postgres | None = None) -> None:
        self.home: Final = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
        self.home.chmod(0o711)  # the database's user must be able to pass, and to list nothing
        self.kafka, self.postgres = kafka or Kafka(self.home / "kafka"), postgres or Postgres(self.home / "postgres")
        self._ours: list[Kafka | Postgres] = [one for one in (self.kafka, self.postgres) if one not in (kafka, postgres)]
        self._say = say

    def topic(self, brokers: int = 1) -> str:
        """A fresh topic, made as the product's for so many brokers: where there are several, no write waits for a disk."""
        topic = replace(vitals_topic(brokers=brokers), name=f"bench-{secrets.token_hex(4)}")
        self.kafka.create(topic)
        return topic.name

    def log_bytes(self, topic: str) -> int:
        """The bytes of a topic's records on the disk of one broker."""
        files = (self.kafka.home / "broker-1" / "data").glob(f"{topic}-*/*.log")
        return sum(file.stat().st_size for file in files)

    def database(self, template: str | None = None) -> str:
        """The name of a new database with Vigil's tables, or a copy of ``template``."""
        name = f"bench_{secrets.token_hex(4)}"
        copy = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        self.query(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copy)
        if template is None:
            migrate(self.url(name))
        return name

    def url(self, database: str) -> str:
        return self.postgres.url_of(database)

    def query(self, statement: str | sql.Composed, database: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement, if it has any, in ``database`` or the server's first one."""
        with psycopg.connect(self.url(database) if database else self.postgres.url, autocommit=True) as db:
            cursor = db.execute(statement.encode() if isinstance(statement, str) else statement)
            return cursor.fetchall() if cursor.description else []

    def stored(self, database: str) -> tuple[int, ...]:
        """The number of readings stored and of records refused."""
        return self.query("SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM rejected)", database)[0]

    def row_bytes(self, database: str) -> dict[str, float]:
        """Bytes a row of the tables that a day of log makes longer by much, indexes included."""
        sizes = "SELECT pg_total_relation_size('{0}'), count(*) FROM {0}"
        found = {table: self.query(sizes.format(table), database)[0] for table in GROWING}
        return {table: size / rows for table, (size, rows) in found.items() if rows}

    def drop(self, database: str) -> None:
        self.query(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def settle(self) -> None:
        """Write what the last contender left behind, so that the next does not pay for it."""
        self.query("CHECKPOINT")

    def spent(self) -> npt.NDArray[np.float64]:
        """The use so far: CPU seconds of the database's processes and of the brokers, bytes of write-ahead log."""
        assert self.postgres.child
        wal = self.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")[0][0]
        brokers = [child.pid for child in self.kafka.children.values()]
        return np.array([spent([self.postgres.child.pid]), spent(brokers), float(wal)])

    def versions(self) -> dict[str, str]:
        return {"kafka": self.kafka.version(), "postgresql": self.postgres.version()}

    def __enter__(self) -> Self:
        if self._ours:
            self._say("servers: starting " + " and ".join(each.name for each in self._ours))
        try:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda each: each.start(), self._ours))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: each.stop(), self._ours))
        shutil.rmtree(self.home, ignore_errors=True)

"""Kafka and PostgreSQL for the measurements, started in place and gone afterwards."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg import sql

from benchmarks.figures import Say
from deploy.schema.migrate import migrate
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from deploy.stack.topics import Topic, vitals_topic


class Servers:
    """One broker and one database server; as a context manager they end with it, unless they were there before."""

    def __init__(self, say: Say, kafka: Kafka | None = None, postgres: Postgres | None = None) -> None:
        self.home: Final = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
        self.home.chmod(0o711)  # the database's user must be able to pass, and to list nothing
        self.kafka, self.postgres = kafka or Kafka(self.home / "kafka"), postgres or Postgres(self.home / "postgres")
        self._ours: list[Kafka | Postgres] = []
        if kafka is None:
            self._ours.append(self.kafka)
        if postgres is None:
            self._ours.append(self.postgres)
        self._say = say

    def topic(self) -> str:
        """A fresh topic, made as the product's."""
        name = f"bench-{secrets.token_hex(4)}"
        self.kafka.create(Topic(name, 64, vitals_topic(brokers=1).options))
        return name

    def database(self, template: str | None = None) -> str:
        """The name of a new database with Vigil's tables, or a copy of ``template``."""
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self.postgres.url, autocommit=True) as db:
            made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            db.execute(made + (sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")))
        if template is None:
            migrate(self.url(name))
        return name

    def url(self, database: str) -> str:
        return self.postgres.url_of(database)

    def stored(self, database: str) -> tuple[int, int]:
        """The number of readings stored and of records refused."""
        with psycopg.connect(self.url(database)) as db:
            counts = db.execute("SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM rejected)").fetchall()
        return counts[0][0], counts[0][1]

    def drop(self, database: str) -> None:
        with psycopg.connect(self.postgres.url, autocommit=True) as db:
            db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def settle(self) -> None:
        """Write what the last contender left behind, so that the next does not pay for it."""
        with psycopg.connect(self.postgres.url, autocommit=True) as db:
            db.execute("CHECKPOINT")

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

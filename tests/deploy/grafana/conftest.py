"""A seeded ward, and a connection with no more than Grafana's rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from deploy.grafana import let_in
from deploy.grafana.provisioning import ROLE
from deploy.schema.migrate import migrate
from deploy.stack.postgres import Postgres
from tests.deploy.grafana.expand import Chosen, Range, expand
from tests.deploy.grafana.seed import PATIENT, Seeded, seed
from tests.fix_database import fresh_database

CHOSEN: Chosen = {"patient": str(PATIENT), "team": ["1", "2"], "resolution": "auto"}


@dataclass
class Ward:
    """`owner` may do everything; `reader` is signed in as Grafana is."""

    owner: psycopg.Connection
    reader: psycopg.Connection
    url: str
    start: datetime
    end: datetime

    def rows(
        self,
        sql: str,
        *,
        chosen: Chosen | None = None,
        shown: Range | None = None,
        points: int | None = None,
    ) -> list[dict[str, Any]]:
        """The query's rows as Grafana would get them, by default over the two hours of readings."""
        sent = expand(sql, shown or Range(self.start, self.end), {**CHOSEN, **(chosen or {})}, points=points)
        with self.reader.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sent).fetchall()


@pytest.fixture(scope="module", params=["plain", "timescale"])
def ward(request: pytest.FixtureRequest) -> Iterator[Ward]:
    """Three patients in a database of each kind.  Tests of a module share it: what they change they roll back."""
    timescale = request.param == "timescale"
    server: Postgres = request.getfixturevalue("timescale" if timescale else "postgres")
    databases = fresh_database(server, extension=timescale)
    url = next(databases)
    migrate(url)
    with psycopg.connect(url, autocommit=True) as owner:
        let_in(owner, "only for tests")
        seeded: Seeded = seed(owner)
        reader_url = make_conninfo(url, user=ROLE, password="only for tests")
        with psycopg.connect(reader_url, autocommit=True) as reader:
            yield Ward(owner, reader, reader_url, seeded.start, seeded.end)
    next(databases, None)

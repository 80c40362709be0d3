"""Databases for tests: plain PostgreSQL 18 as embedded, and PostgreSQL 17 with TimescaleDB."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.stack.postgres import Postgres
from tests.timescale import SETTINGS, TimescaleMissingError, timescale_programs

# throw-away data: a kill -9 loses nothing, a power cut may
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def postgres(session_home: Path) -> Iterator[Postgres]:
    """The embedded PostgreSQL 18: `.url`, `.url_of(database)`, `.kill()`, `.start()`."""
    with Postgres(session_home / "postgres", settings=_UNSAFE) as server:
        yield server


@pytest.fixture(scope="session")
def timescale(session_home: Path) -> Iterator[Postgres]:
    """PostgreSQL 17 with TimescaleDB loaded; a database still needs CREATE EXTENSION."""
    server = Postgres(session_home / "timescale", programs=timescale_programs, settings={**_UNSAFE, **SETTINGS})
    try:
        server.start()
    except TimescaleMissingError as error:
        pytest.skip(f"could not run: {error}")
    yield server
    server.stop()


def fresh_database(server: Postgres, *, extension: bool) -> Iterator[str]:
    """The URL of a new, empty database of `server`, dropped afterwards."""
    if not server.healthy():  # an earlier test left it killed
        server.start()
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    if extension:
        with psycopg.connect(server.url_of(name), autocommit=True, options="-c client_min_messages=error") as db:
            db.execute("CREATE EXTENSION timescaledb")
    yield server.url_of(name)
    if server.healthy():
        with psycopg.connect(server.url, autocommit=True) as db:
            db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def plain_database(postgres: Postgres) -> Iterator[str]:
    """The URL of a fresh, empty database of plain PostgreSQL 18."""
    yield from fresh_database(postgres, extension=False)


@pytest.fixture
def timescale_database(timescale: Postgres) -> Iterator[str]:
    """The URL of a fresh, empty database with TimescaleDB."""
    yield from fresh_database(timescale, extension=True)


@pytest.fixture(params=["plain", "timescale"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url

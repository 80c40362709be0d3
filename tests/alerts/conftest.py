"""Migrated databases for the alarm room: one of each kind a session, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from deploy.schema.migrate import migrate
from tests.fix_database import fresh_database

Db = psycopg.Connection[Any]
"""An autocommit connection."""
_BIG = {"reading", "event", "rollup_minute", "rollup_hour", "schema_version"}  # this room writes none of them


@pytest.fixture(scope="session", params=["plain", "timescale"])
def migrated(request: pytest.FixtureRequest) -> Iterator[str]:
    yield from migrated_database(request)


def migrated_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of the kind that the fixture's parameter names."""
    kind = request.param
    server = request.getfixturevalue("postgres" if kind == "plain" else kind)
    for url in fresh_database(server, extension=kind == "timescale"):
        migrate(url)
        yield url


@pytest.fixture
def schema(migrated: str) -> str:
    """The URL of an empty database with Vigil's tables, once of each kind."""
    with psycopg.connect(migrated, autocommit=True) as connection:
        tables = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        # faster than TRUNCATE where tables are nearly empty; without triggers the order does not matter
        emptied = "; ".join(f"DELETE FROM {table}" for table in sorted(tables - _BIG))
        connection.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {emptied}; COMMIT")
    return migrated


@pytest.fixture
def db(schema: str) -> Iterator[Db]:
    """An autocommit connection to it: transactions are explicit."""
    with psycopg.connect(schema, autocommit=True) as connection:
        yield connection

"""A prepared database session, and patients with keys."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from deploy.schema.migrate import migrate
from streams.store import ledger
from streams.store.staging import prepare
from tests.alerts.conftest import Db
from tests.streams.producing import World


@pytest.fixture
def world() -> World:
    return World([1, 2, 65])


@pytest.fixture
def db(database: str) -> Iterator[Db]:
    migrate(database)
    with psycopg.connect(database, autocommit=True, application_name=ledger.APPLICATION) as connection:
        prepare(connection)
        yield connection

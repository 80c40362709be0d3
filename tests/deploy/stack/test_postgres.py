from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from deploy.stack.errors import FolderClosedError
from deploy.stack.postgres import Postgres
from deploy.stack.postgres_programs import server_user

pytestmark = pytest.mark.stack


def test_committed_rows_survive_a_kill_and_the_address_stays(home: Path) -> None:
    server = Postgres(home / "pg").start()
    try:
        with psycopg.connect(server.url) as db:
            db.execute("CREATE TABLE kept (n int)")
            db.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        server.kill()
        assert not server.healthy()
        address = server.address
        server.start()
        with psycopg.connect(server.url) as db:
            assert db.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
        assert server.address == address
        assert Postgres(home / "pg").port != server.port  # taken by the one that runs
    finally:
        server.stop()
    assert server.memory() == 0


def test_each_database_is_fresh_and_of_its_kind(database: str, request: pytest.FixtureRequest) -> None:
    with psycopg.connect(database) as db:
        extensions = {row[0] for row in db.execute("SELECT extname FROM pg_extension")}
        assert db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert ("timescaledb" in extensions) == ("timescale" in request.node.name)


def test_failed_statements_leave_no_values_in_the_log(home: Path) -> None:
    with Postgres(home / "pg") as server, psycopg.connect(server.url, autocommit=True) as db:
        db.execute("CREATE TABLE patient (name text PRIMARY KEY)")
        db.execute("INSERT INTO patient VALUES ('Erika Mustermann')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute("INSERT INTO patient VALUES ('Erika Mustermann')")
        log = (home / "pg/postgres.log").read_text()
    assert "duplicate key" in log
    assert "Mustermann" not in log


@pytest.mark.skipif(server_user() is None, reason="could not run: only root's server runs as another user")
def test_a_folder_closed_to_the_servers_user_is_named(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(FolderClosedError, match=r"closed.*chmod o\+x"):
        Postgres(closed / "pg").start()

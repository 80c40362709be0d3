from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from deploy.errors import SchemaTooNewError
from deploy.schema.migrate import migrate, numbered


def test_each_file_is_applied_once_and_in_order(database: str) -> None:
    names = [path.name for _, path in numbered()]
    assert migrate(database) == names
    assert migrate(database) == []
    with psycopg.connect(database) as db:
        assert [n for (n,) in db.execute("SELECT name FROM schema_version ORDER BY number")] == names


def test_the_big_tables_are_hypertables_where_timescale_is(timescale_database: str) -> None:
    migrate(timescale_database)
    with psycopg.connect(timescale_database) as db:
        tables = {t for (t,) in db.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")}
    assert {"reading", "event", "rollup_minute", "rollup_hour"} <= tables


def test_two_at_once_apply_each_file_once(plain_database: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(migrate, [plain_database] * 2)
    assert sorted(one + two) == [path.name for _, path in numbered()]


def test_a_file_that_fails_leaves_nothing_behind(plain_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good ();")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (); SELECT 1/0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(plain_database, tmp_path)
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half ();")
    assert migrate(plain_database, tmp_path) == ["0002_bad.sql"]


def test_a_newer_schema_is_refused(plain_database: str) -> None:
    migrate(plain_database)
    with psycopg.connect(plain_database, autocommit=True) as db:
        db.execute("INSERT INTO schema_version (number, name) VALUES (9999, 'later')")
    with pytest.raises(SchemaTooNewError, match="newer Vigil"):
        migrate(plain_database)


def test_newest_values_of_before_are_shown_after_and_a_worker_of_before_stores_nothing(
    database: str, tmp_path: Path
) -> None:
    for number, path in numbered():
        if number < 6:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    migrate(database, tmp_path)
    before = (
        "INSERT INTO latest VALUES (1, 1, 7, '2026-01-01 00:00:02+00', 61, 0, '2026-01-01 00:00:03+00'), "
        "(1, 2, 7, '2026-01-01 00:00:01+00', NULL, 3, '2026-01-01 00:00:03+00'), "
        "(1, 1, 8, '2026-01-01 00:00:01+00', 60, 0, '2026-01-01 00:00:01+00') "
        "ON CONFLICT (patient, vital, device) DO NOTHING"
    )
    query = "SELECT patient, vital, device, time, value, status, arrived FROM latest ORDER BY device, vital"
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(before)
        shown = db.execute(query).fetchall()
    assert len(shown) == 3
    assert migrate(database)[0].startswith("0006")
    with psycopg.connect(database, autocommit=True) as db:
        assert db.execute(query).fetchall() == shown
        assert db.execute("SELECT count(*) FROM grafana.latest").fetchone() == (3,)
        with pytest.raises(psycopg.OperationalError):  # what a worker tries again after
            db.execute(before)

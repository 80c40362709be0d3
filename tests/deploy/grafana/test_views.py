from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from deploy.grafana import let_in
from deploy.grafana.provisioning import ROLE
from deploy.schema.migrate import migrate
from devices.vitals import VITALS, Vital
from devices.wire.control import Limit, Limits, RuleSet, encode_control
from tests.deploy.grafana.conftest import Ward
from tests.deploy.grafana.seed import CUFF, ECG, NEIGHBOUR, OTHER, OXIMETER, PATIENT, SECRETS
from tests.latest import set_latest

pytestmark = pytest.mark.stack


def views(ward: Ward) -> list[str]:
    return [name for (name,) in ward.owner.execute("SELECT viewname FROM pg_views WHERE schemaname = 'grafana' ORDER BY 1")]


def test_no_view_holds_a_name_an_address_or_a_word_that_people_wrote(ward: Ward) -> None:
    names = views(ward)
    assert len(names) > 10
    for name in names:
        text = "\n".join(row for (row,) in ward.reader.execute(f"SELECT v::text FROM grafana.{name} v"))
        assert text, f"{name} is empty: this would pass whatever it holds"
        for secret in SECRETS:
            assert secret not in text, name


def test_the_role_reads_every_view_and_not_one_table(ward: Ward) -> None:
    for name in views(ward):
        ward.reader.execute(f"SELECT * FROM grafana.{name} LIMIT 1")
    tables = ward.owner.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    tables += ward.owner.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = '_timescaledb_internal' AND tablename LIKE '_hyper%'"
    ).fetchall()
    assert len(tables) > 25
    for schema, name in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ward.reader.execute(f"SELECT FROM {schema}.{name}")


def test_the_role_changes_nothing_even_where_a_view_could_be_written_to(ward: Ward) -> None:
    ward.reader.execute("SET default_transaction_read_only = off")  # a viewer may send this as well
    for name in views(ward):
        for change in (f"DELETE FROM grafana.{name}", f"INSERT INTO grafana.{name} DEFAULT VALUES"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
                ward.reader.execute(change)
    become_owner = f"SET ROLE {ward.owner.info.user}"
    for change in ("CREATE TABLE grafana.mine (n int)", "CREATE TABLE public.mine (n int)", become_owner):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ward.reader.execute(change)
    ward.reader.execute("RESET default_transaction_read_only")


def test_vitals_are_those_of_the_devices(ward: Ward) -> None:
    rows = ward.reader.execute(
        "SELECT vital, name, short, label, unit, decimals, continuous, validity_s FROM grafana.vital ORDER BY vital"
    ).fetchall()
    assert rows == [
        (int(v), s.column, s.short, s.label, s.unit, s.decimals, s.continuous, s.validity_s) for v, s in VITALS.items()
    ]


def test_samples_are_the_readings_a_row_a_value(ward: Ward) -> None:
    long = "SELECT vital, count(*), count(*) FILTER (WHERE status = 0) FROM grafana.sample WHERE device = %s GROUP BY 1"
    assert ward.reader.execute(f"{long} ORDER BY 1", [OXIMETER]).fetchall() == [(2, 6000, 6000), (3, 6000, 5940)]
    values = "SELECT vital, value FROM grafana.sample WHERE device = %s ORDER BY 1"
    assert ward.reader.execute(values, [CUFF]).fetchall() == [(5, 121.0), (6, 79.0)]


def test_own_limits_come_before_the_rule_sets_from_when_they_took_effect(ward: Ward) -> None:
    asked = "SELECT vital, side, priority, limit_value, since, until FROM grafana.limits WHERE patient = %s"
    rows = ward.reader.execute(f"{asked} ORDER BY since, 1, 3", [PATIENT]).fetchall()
    first, then = ward.start - timedelta(days=1), ward.start + timedelta(minutes=90)
    assert rows == [
        (1, "high", 2, 110.0, first, then),
        (3, "low", 2, 92.0, first, then),
        (3, "low", 3, 90.0, first, then),
        (1, "high", 2, 110.0, then, None),
        (3, "low", 2, 88.0, then, None),
        (3, "low", 3, 85.0, then, None),
    ]


def test_a_limit_without_levels_is_off(ward: Ward) -> None:
    asked = "SELECT vital, until IS NULL FROM grafana.limits WHERE patient = %s ORDER BY 1, 2"
    off = encode_control(Limits((Limit(Vital.SPO2, "low"),))).decode()
    with ward.owner.transaction(force_rollback=True):
        ward.owner.execute("INSERT INTO control VALUES (%s, 2, 'limits', 50, 1, 50, %s::jsonb, now())", [NEIGHBOUR, off])
        rows = ward.owner.execute(asked, [NEIGHBOUR]).fetchall()
    assert rows == [(1, False), (1, True), (3, False), (3, False)]


def test_a_device_is_silent_by_the_rule_sets_word(ward: Ward) -> None:
    asked = "SELECT device FROM grafana.device WHERE silent ORDER BY 1"
    assert ward.reader.execute(asked).fetchall() == [(OXIMETER,), (ECG,)]  # the cuff measures when its wearer does
    assert ward.reader.execute("SELECT count(*) FROM grafana.device").fetchone() == (4,)
    rules = encode_control(RuleSet(2, no_data_factor=20.0, no_data_extra_s=40)).decode()
    with ward.owner.transaction(force_rollback=True):
        set_latest(ward.owner, f"device = {OTHER}", time="now() - interval '45 seconds'")
        assert (OTHER,) in ward.owner.execute(asked).fetchall()
        ward.owner.execute("INSERT INTO control VALUES (0, 2, 'rule_set', 60, 1, 60, %s::jsonb, now())", [rules])
        assert (OTHER,) not in ward.owner.execute(asked).fetchall()


def test_an_alarm_says_its_value_against_its_limit(ward: Ward) -> None:
    rows = ward.reader.execute("SELECT text FROM grafana.alarm_history ORDER BY alarm").fetchall()
    assert [text for (text,) in rows] == [
        "Oxygen saturation low 80 (limit 90)",
        "Oxygen saturation low 87 (limit 88)",
        "no data",
        "NEWS2 9 (limit 7)",
        "pipeline stopped",
    ]


def test_a_migrator_that_may_not_create_roles_still_gets_the_views(plain_database: str) -> None:
    with psycopg.connect(plain_database, autocommit=True) as owner:
        renamed = role_exists(owner)
        if renamed:  # other databases of this server may use it
            owner.execute(f"ALTER ROLE {ROLE} RENAME TO put_aside")
        try:
            owner.execute("CREATE ROLE small_migrator LOGIN PASSWORD 'only for tests'")
            name = psycopg.conninfo.conninfo_to_dict(plain_database)["dbname"]
            owner.execute(f"GRANT CREATE ON DATABASE {name} TO small_migrator")
            owner.execute("GRANT CREATE ON SCHEMA public TO small_migrator")
            migrate(psycopg.conninfo.make_conninfo(plain_database, user="small_migrator", password="only for tests"))
            assert not role_exists(owner)
            let_in(owner, "only for tests")
            with psycopg.connect(
                psycopg.conninfo.make_conninfo(plain_database, user=ROLE, password="only for tests"), autocommit=True
            ) as reader:
                assert reader.execute("SELECT count(*) FROM vital").fetchone() == (len(VITALS),)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute("SELECT FROM public.patient")
        finally:
            owner.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}") if role_exists(owner) else None
            owner.execute("DROP OWNED BY small_migrator CASCADE; DROP ROLE small_migrator")
            if renamed:
                owner.execute(f"ALTER ROLE put_aside RENAME TO {ROLE}")


def role_exists(owner: psycopg.Connection) -> bool:
    return owner.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is not None

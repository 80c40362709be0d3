"""One damaged row of every table, one field at a time: all other patients are served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from psycopg import AsyncConnection

from alerts.care.identity import open_identity
from alerts.care.limits import set_limits
from alerts.desk.pages.stream import Feed
from alerts.desk.settings import DeskSettings
from alerts.desk.web.session import Session
from alerts.desk.web.templates import environment
from alerts.desk.worklist.cells import VITAL_OF, sparks_of
from alerts.desk.worklist.isolated import lines_of_each
from alerts.desk.worklist.lines import Line, view
from alerts.desk.worklist.read import SlowParts, read_quick, read_slow_parts, read_sparks
from alerts.desk.worklist.snapshot import Snapshot
from devices.wire.control import Level, Limit, Limits
from tests.alerts.desk.conftest import MASTER, Seeded
from tests.alerts.desk.damage import Damage, damages
from tests.alerts.desk.seed import Ward, take_effect

VICTIM: Final = "EXAMPLETON"
_LEAVES: Final = {"patient.discharged", "patient.team", "patient.patient"}
"""Columns that take a patient off the list by their meaning."""
_OF_ALL: Final = {"rollup_minute", "control", "ledger"}
"""Tables with rows that count for everybody, or in sums."""
_VIEWS: Final = """
SELECT table_name, array_agg(DISTINCT view_name::text) FROM information_schema.view_table_usage
WHERE view_schema = 'grafana' AND table_schema = 'public' GROUP BY 1"""
_SCANNED: Final = "SELECT relname FROM pg_stat_xact_user_tables WHERE coalesce(seq_scan, 0) + coalesce(idx_scan, 0) > 0"
_TABLES: Final = """
SELECT table_name, column_name
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'schema_version'"""
_FILLED: Final = """
INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, record) VALUES ('t', 1, 1, -1, 'why', '\\x00');
INSERT INTO quarantine VALUES ('t', 1, 1, 'why', 1, 1, 1, '\\x00', now(), NULL);
INSERT INTO engine_state VALUES ('t', 1, 1, now(), '\\x00', now());
INSERT INTO session (hash, person) VALUES ('\\x00', 1);
INSERT INTO claim VALUES ('\\x00', 1, now(), NULL);
INSERT INTO audit (person, action) VALUES (1, 'x');
INSERT INTO desk_epoch VALUES (1);
INSERT INTO channel (name) VALUES ('webhook') ON CONFLICT DO NOTHING;
INSERT INTO condition_waiting (partition, condition) VALUES (1, '{}');
INSERT INTO damaged_key (partition, patient, gateway, key) VALUES (1, 1, 1, 1);
INSERT INTO ended_credential (hash, gateway) SELECT '\\x01', gateway FROM gateway LIMIT 1;
INSERT INTO refused_tally (partition, patient, gateway, kept) VALUES (1, 1, 1, 1);
INSERT INTO hand_over (giver, taker) VALUES (1, 2);
INSERT INTO rota VALUES (1, 1, 'name = "ours"', 1, now());
INSERT INTO rota_override (team, layer, person, since, until, by_person) VALUES (1, 'x', 1, now(), 'tomorrow', 1);
INSERT INTO rota_hole VALUES (1, 'x', now(), now());
INSERT INTO person_channel (person, channel, place, address) VALUES (1, 'sms', 0, '\\x00');
INSERT INTO escalation SELECT max(episode), 1, 3, 0, 0, now(), now(), '{}', '{}', '{}' FROM episode;
INSERT INTO observation (patient, time, content, by_person) VALUES (2, now(), '{"spo2": 95}', 1);
INSERT INTO pause VALUES (1, '*', now(), 'why', 1, now());
INSERT INTO pairing (patient, gateway, code_hash, by_person, expires) VALUES (2, 1, '\\x00', 1, now());
INSERT INTO gateway_scan VALUES (1, 1, now(), now());
INSERT INTO nearby VALUES (1, 'C0:00', 'a cuff', '{}', -50, false);
INSERT INTO other_user VALUES (2, 'C0:00', 1);
INSERT INTO limit_change SELECT max(sequence), 1, 'why', '' FROM control_outbox;
INSERT INTO rule_layer (patient, version, source, by_person, reason) VALUES (1, 1, 'name = "ours"', 1, 'why');
DELETE FROM reading WHERE time < (SELECT max(time) - interval '20 s' FROM reading);
DELETE FROM rollup_minute WHERE time < (SELECT max(time) - interval '20 min' FROM rollup_minute);
INSERT INTO rollup_hour SELECT * FROM rollup_minute LIMIT 20;"""


def rows_of(db: psycopg.Connection[Any], victim: int) -> dict[str, list[str]]:
    """One row of each table, of the victim where it has rows of patients; a control and an event of each kind."""
    columns: dict[str, set[str]] = {}
    for table, column in db.execute(_TABLES).fetchall():
        columns.setdefault(table, set()).add(column)
    found = {}
    for table, names in columns.items():
        whose = next((name for name in ("patient", "subject") if name in names and table != "audit"), None)
        kinds = "DISTINCT ON (kind)" if table in {"control", "event"} else ""
        order = [*(["kind"] if kinds else []), *([f"{whose} <> {victim}"] if whose else [])]
        if table == "alarm":
            order.append("closed IS NOT NULL")
        if table == "control":
            order += ["took_effect DESC", "at_offset DESC"]  # the one that counts
        if table == "device":
            order = [f"device NOT IN (SELECT device FROM enrolment WHERE patient = {victim})"]
        query = f"SELECT {kinds} ctid::text FROM {table} {'ORDER BY ' + ', '.join(order) if order else ''}"
        found[table] = [row for (row,) in db.execute(query.encode()).fetchall()][: None if kinds else 1]
        assert found[table], f"{table} is empty"
    return found


async def _done(connection: AsyncConnection[Any], damage: Damage) -> bool:
    """True if the column can hold it."""
    try:
        async with connection.transaction():
            return (await connection.execute(damage.statement.encode(), (damage.value,))).rowcount == 1
    except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError):
        return False


class Desk:
    """The reading and drawing of the list, as the desk does them, without its server."""

    def __init__(self, ward: Ward, settings: DeskSettings) -> None:
        self._ward, self._pages = ward, environment(settings)
        self._session = Session(b"", ward.nurse, "M. Testova", "nurse", "m.testova", frozenset({ward.team}), "")

    async def read(self, connection: AsyncConnection[Any]) -> Snapshot:
        parts = SlowParts()
        await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
        await read_sparks(connection, parts, whole=True)
        return await read_quick(connection, 1, parts)

    def show(self, snapshot: Snapshot) -> tuple[Line, ...]:
        snapshot, lines = lines_of_each(snapshot)
        shown = view(snapshot, lines, frozenset({self._ward.team}))
        msgspec.json.encode(Feed(self._ward.nurse).event(snapshot, shown, 10_000))
        self._pages.get_template("_list.html").render(
            groups=[("open", "All", "", list(shown))], session=self._session, snapshot=snapshot, now=snapshot.read_at,
            today=datetime.now(UTC).date(), zone=ZoneInfo("UTC"), COLUMNS=tuple(VITAL_OF),
            sparks={line.key: sparks_of(snapshot, line.patient) for line in shown if line.patient},
            whole={line.key for line in shown},
        )  # fmt: skip
        return shown


def served(shown: tuple[Line, ...], but: int) -> dict[str, tuple[str, tuple[str, ...], object]]:
    """By line: name, alarms and numbers of every patient but one."""
    return {
        line.key: (line.patient.name, tuple(alarm.rule for alarm in line.alarms), line.cells)
        for line in shown
        if line.patient and line.patient.patient != but
    }


@pytest.mark.parametrize("every", [2, pytest.param(1, marks=[pytest.mark.full, pytest.mark.timeout(600)])])
async def test_whatever_row_is_damaged_all_other_patients_are_served(seeded: Seeded, master_file: Path, every: int) -> None:
    victim = seeded.ward.patients[VICTIM]
    desk = Desk(seeded.ward, DeskSettings(database=seeded.url, master_key_file=master_file))
    with seeded.tx() as db:
        db.execute(_FILLED.encode())
        db.execute("UPDATE patient SET discharged = now() WHERE patient > 4")
        set_limits(db, victim, Limits((Limit(1, "high", Level(110, 60), Level(120, 60), 5),)), seeded.ward.nurse)
        take_effect(db)
    with seeded.tx() as db:
        views = dict(db.execute(_VIEWS).fetchall())
        damaged = list(damages(db, rows_of(db, victim)))[::every]
    tried, named, wrong = 0, set[str](), list[str]()
    async with await AsyncConnection.connect(seeded.url) as connection, connection.transaction():
        whole = await desk.read(connection)
        listed = {table for (table,) in await (await connection.execute(_SCANNED)).fetchall()}
        assert {"alarm", "control", "enrolment", "event", "latest_of_device", "ledger", "patient", "person"} < listed
        assert not whole.faults
        before = served(desk.show(whole), victim)
        assert len(before) == 3
        for damage in damaged:
            if damage.table not in listed and damage.table not in views:
                continue  # nobody reads it for many
            async with connection.transaction(force_rollback=True):
                if not await _done(connection, damage):
                    continue
                tried += 1
                try:
                    snapshot = await desk.read(connection) if damage.table in listed else whole
                    for name in views.get(damage.table, ()):
                        await connection.execute(f"SELECT * FROM grafana.{name}".encode())
                    shown = desk.show(snapshot) if snapshot != whole else None
                except (
                    psycopg.Error,
                    ValueError,
                    TypeError,
                    LookupError,
                    ArithmeticError,
                ) as error:
                    wrong.append(f"{damage} stopped everybody: {error!r}")
                    continue
            if shown is None:
                continue
            named |= {fault.what for fault in snapshot.faults}
            after = served(shown, victim)
            if set(after) != set(before) or (damage.table not in _OF_ALL and after != before):
                wrong.append(f"{damage} changed other patients")
            if f"{damage.table}.{damage.column}" not in _LEAVES and f"p{victim}" not in {line.key for line in shown}:
                wrong.append(f"{damage} took its patient off the list")
    assert not wrong, "\n".join(wrong)
    assert tried > 900 // every
    assert named == {
        "a rule set", "a value", "admission", "an alarm", "battery", "facts", "identity", "limits", "signal",
    }  # fmt: skip

"""Every query of the desk on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from alerts.care.identity import open_identity
from alerts.care.limits import level_at
from alerts.database import to_ms
from alerts.desk.pages.limits.limits import read_editor
from alerts.desk.pages.patient.series import read_series
from alerts.desk.pages.patient.table import read_table
from alerts.desk.pages.patient.timeline import read_timeline
from alerts.desk.pages.patient.window import Window
from alerts.desk.worklist.cells import cells_of
from alerts.desk.worklist.last_good import LastGood
from alerts.desk.worklist.news2_panel import score_of
from alerts.desk.worklist.read import DEVICES, SlowParts, read_quick, read_slow_parts, read_sparks
from deploy.schema.migrate import migrate
from devices.vitals import Vital
from devices.wire.control import Level
from tests.alerts.desk.conftest import MASTER
from tests.alerts.desk.seed import seed


async def test_the_whole_list_and_a_patient_are_read(database: str) -> None:
    migrate(database)
    with psycopg.connect(database) as tx:
        ward = seed(tx, MASTER, hours=7)
    ada = ward.patients["EXAMPLETON"]
    async with await AsyncConnection.connect(database, autocommit=True) as connection:
        parts = SlowParts()
        await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
        await read_sparks(connection, parts, whole=True)
        whole = {key: dict(buckets) for key, buckets in parts.sparks.items()}
        await read_sparks(connection, parts, whole=False)
        assert set(parts.sparks) == set(whole)
        assert all(dict(parts.sparks[key]) == pytest.approx(whole[key]) for key in whole)
        snapshot = await read_quick(connection, 1, parts)
        patient = snapshot.patients[ada]
        assert (patient.name, patient.record) == ("EXAMPLETON, Ada", "VT-4174-4")
        assert {d.name for d in patient.devices} == {"Chest patch", "Finger oximeter", "Arm cuff"}
        assert level_at(patient.limits, Vital.HEART_RATE, "high", "high") == Level(120, 60)
        assert next(d for d in patient.devices if d.name == "Chest patch").battery == 64
        assert len(snapshot.sparks[ada, Vital.HEART_RATE]) > 30
        assert {v.vital for v in snapshot.values[ada]} == {1, 3, 4, 5, 6, 8}
        assert len([a for a in snapshot.alarms if a.subject == ada]) == 3
        assert all(a.closed is None for a in snapshot.alarms)

        for hours, least in ((1, 1000), (6, 300), (24, 350), (168, 36), (720, 6)):
            window = Window.of_hours(hours, snapshot.read_at / 1000)
            series = await read_series(connection, snapshot, patient, window)
            assert len(series["lines"]["hr"]["t"]) > least  # type: ignore[index]
            assert series["bp"]
            assert await read_table(connection, patient, window)
        moments = await read_timeline(connection, snapshot, patient)
        assert [m.kind for m in moments if m.kind] == ["high", "medium", "medium", "medium"]
        editor = await read_editor(connection, ada)
        assert [version.state for version in editor.versions] == ["effective"]
        await _names_faults_and_takes_nothing_old_for_now(connection, parts, ward.devices[ada][2], ada)
        await _marks_what_was_taken_at_its_arrival(connection, parts, ward.devices[ada][2], ada)
        await _err_keeps_the_last_good(connection, parts, ward.devices[ada][2], ada)


async def _names_faults_and_takes_nothing_old_for_now(
    connection: AsyncConnection[Any], parts: SlowParts, cuff: int, ada: int
) -> None:
    """Events of a device and its gateway; those of long ago come again, now, as an outbox sends them again."""
    sent = (
        ("battery", 1, cuff, '{"percent": 40}'),
        ("battery", 30, cuff, '{"percent": 90}'),
        ("link", 1, cuff, '{"up": true, "rssi": -60}'),
        ("link", 30, cuff, '{"up": false, "rssi": -90}'),
        ("fault", 1, cuff, '{"what": "characteristic 2A35", "reason": "wants a passkey"}'),
        ("fault", 1, 0, '{"what": "outbox", "reason": "3 readings were lost"}'),
        ("fault", 30, cuff, '{"what": "characteristic 2A49", "reason": "of yesterday"}'),
        ("fault", 1, cuff, '{"what": []}'),
    )
    for n, (kind, hours, device, content) in enumerate(sent):
        await connection.execute(
            "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
            " SELECT %s, now() - make_interval(hours => %s), %s, 77, %s, gateway, %s, %s, now(), 1 FROM enrolment"
            " WHERE device = %s AND until IS NULL",
            (ada, hours, device, n, kind, content, cuff),
        )
    await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
    found = next(device for device in parts.patients[ada].devices if device.device == cuff)
    assert (found.battery, found.linked, found.rssi) == (40, True, -60)
    assert found.faults == ("characteristic 2A35: wants a passkey", "gateway, outbox: 3 readings were lost")


async def _marks_what_was_taken_at_its_arrival(
    connection: AsyncConnection[Any], parts: SlowParts, cuff: int, ada: int
) -> None:
    """A reading of a device whose clock is wrong, and the alarm that it raised."""
    query = "SELECT max(time) FROM reading WHERE patient = %s AND device = %s AND systolic > 0"
    ((time,),) = await (await connection.execute(query, (ada, cuff))).fetchall()
    await connection.execute(
        "UPDATE latest_of_device SET newest = %s, time = array_fill(%s::timestamptz, ARRAY[2])"
        " WHERE patient = %s AND device = %s",
        (time, time, ada, cuff),
    )
    await connection.execute("UPDATE reading SET clock = 2 WHERE patient = %s AND time = %s", (ada, time))
    await connection.execute(
        "UPDATE alarm_event SET content = content || jsonb_build_object('measured', %s::int8)"
        " WHERE kind = 'onset' AND alarm IN (SELECT alarm FROM alarm WHERE subject = %s)",
        (to_ms(time), ada),
    )
    await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
    snapshot = await read_quick(connection, 2, parts)
    patient = snapshot.patients[ada]
    assert "time uncertain" in cells_of(snapshot, patient)["bp"].note
    assert (
        sum(row.at_arrival for row in await read_table(connection, patient, Window.of_hours(6, snapshot.read_at / 1000)))
        == 1
    )
    marked = [m for m in await read_timeline(connection, snapshot, patient) if m.by.endswith("taken at arrival")]
    assert {m.kind for m in marked} == {"high", "medium"}
    parts.at_arrival = frozenset()


async def _err_keeps_the_last_good(connection: AsyncConnection[Any], parts: SlowParts, cuff: int, ada: int) -> None:
    """The cuff says "Err": an unusable sample stands in ``latest``; the reading before it is found in the minute it has."""
    await connection.execute(
        "UPDATE latest_of_device SET newest = now(), time = ARRAY[now(), now()], value = ARRAY['NaN', 'NaN']::real[],"
        " status = ARRAY[5, 5]::int2[], arrived = ARRAY[now(), now()] WHERE patient = %s AND device = %s",
        (ada, cuff),
    )
    for known in (parts.last_good, LastGood()):  # the desk has seen the good one, or begins just now
        parts.last_good = known
        snapshot = await read_quick(connection, 2, parts)
        cell = cells_of(snapshot, snapshot.patients[ada])["bp"]
        assert (cell.text, cell.poor, cell.note) == ("104/62", "", "newer: no value")
        assert cell.at is not None
        assert 50 * 60 < (snapshot.read_at - cell.at) / 1000 < 54 * 60
        assert "BP" not in score_of(snapshot, snapshot.patients[ada]).missing


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def test_the_newest_of_a_device_is_found_however_many_heartbeats_there_are(database: str) -> None:
    migrate(database)
    with psycopg.connect(database) as tx:
        seed(tx, MASTER, hours=2)
        tx.execute(
            "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
            " SELECT patient, now() - n * interval '30 s', 0, 7, n, 1, 'heartbeat', '{}', now(), n"
            " FROM patient, generate_series(1, 2880) n"
        )
        tx.execute("DELETE FROM event WHERE kind = 'battery'")
        tx.execute("ANALYZE event")
        (plan,) = tx.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {DEVICES}").fetchone() or ([],)
    reading = [node for node in nodes(plan[0]["Plan"]) if "Relation Name" in node and str(node["Alias"]).startswith("v")]
    kinds = {str(node.get("Index Name", node["Node Type"]))[-12:] for node in reading} - {"Custom Scan"}
    assert kinds == {"event_newest"}, reading
    assert sum(node["Actual Loops"] * node.get("Rows Removed by Filter", 0) for node in reading) == 0

"""Whatever stands in a damaged row, the page of its patient is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection

from alerts.care.identity import open_identity
from alerts.care.limits import set_limits
from alerts.desk.pages.limits.limits import read_editor
from alerts.desk.pages.patient.timeline import read_timeline
from alerts.desk.settings import DeskSettings
from alerts.desk.web.templates import environment
from alerts.desk.worklist.read import SlowParts, read_quick, read_slow_parts
from devices.wire.control import Level, Limit, Limits
from tests.alerts.desk.conftest import MASTER, Seeded
from tests.alerts.desk.damage import damages
from tests.alerts.desk.seed import take_effect

_ROWS: Final = {
    "control_outbox": "SELECT ctid::text FROM control_outbox WHERE kind = 'limits' AND patient = %s LIMIT 1",
    "limit_change": "SELECT ctid::text FROM limit_change WHERE patient = %s LIMIT 1",
    "alarm_event": "SELECT ctid::text FROM alarm_event WHERE kind = 'onset'"
    " AND alarm IN (SELECT alarm FROM alarm WHERE subject = %s) LIMIT 1",
}


async def test_the_page_of_a_patient_with_a_damaged_row_is_shown(seeded: Seeded, master_file: Path) -> None:
    ada = seeded.ward.patients["EXAMPLETON"]
    with seeded.tx() as db:
        set_limits(db, ada, Limits((Limit(1, "high", Level(110, 60), Level(121, 60), 5),)), seeded.ward.nurse)
        db.execute("INSERT INTO limit_change SELECT max(sequence), %s, 'why', '' FROM control_outbox", [ada])
        take_effect(db)
    with seeded.tx() as db:
        rows = {table: [row for (row,) in db.execute(query.encode(), [ada]).fetchall()] for table, query in _ROWS.items()}
        everywhere = {table: rows.get(table, []) for table in _tables(db)}
        damaged = list(damages(db, everywhere))
    pages = environment(DeskSettings(database=seeded.url, master_key_file=master_file))
    shown = {"number": ada, "saved": False, "problems": {}, "texts": {}, "zone": DeskSettings.model_fields["zone"].default}
    tried, wrong = 0, list[str]()
    async with await AsyncConnection.connect(seeded.url) as connection, connection.transaction():
        parts = SlowParts()
        await read_slow_parts(connection, parts, lambda patient, sealed: open_identity(sealed, MASTER, patient))
        snapshot = await read_quick(connection, 1, parts)
        for damage in damaged:
            async with connection.transaction(force_rollback=True):
                try:
                    async with connection.transaction():
                        await connection.execute(damage.statement.encode(), (damage.value,))
                except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError):
                    continue
                tried += 1
                try:
                    moments = await read_timeline(connection, snapshot, snapshot.patients[ada])
                    pages.get_template("_timeline.html").render(moments=moments, **shown)
                    editor = await read_editor(connection, ada)
                    pages.get_template("_limits_state.html").render(editor=editor, **shown)
                except (psycopg.Error, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
                    wrong.append(f"{damage}: {error!r}")
    assert not wrong, "\n".join(wrong)
    assert tried > 60


def _tables(db: psycopg.Connection) -> list[str]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    return [table for (table,) in db.execute(query).fetchall()]

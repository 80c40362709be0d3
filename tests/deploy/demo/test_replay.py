"""Real recordings through the whole path, compared with the files value by value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest
from rich.console import Console

from deploy.demo.replay import Options, replay
from devices.sample import Status
from devices.vitals import VITALS, Vital


def stored_samples(database: str, patient: int, device: int) -> dict[tuple[int, Vital], tuple[float | None, int | None]]:
    """{(time ms, vital): (value, status)} of one device's rows."""
    columns = [spec.column for spec in VITALS.values()]
    names = ", ".join(f"{column}, {column}_status" for column in columns)
    with psycopg.connect(database) as db:
        rows = db.execute(
            f"SELECT (extract(epoch FROM time) * 1000)::int8, {names} FROM reading WHERE patient = %s AND device = %s",
            [patient, device],
        ).fetchall()
    found = {}
    for time, *cells in rows:
        for spec, value, status in zip(VITALS.values(), cells[::2], cells[1::2], strict=True):
            if value is not None or status is not None:
                assert (time, spec.vital) not in found
                found[time, spec.vital] = (value, status)
    return found


@pytest.mark.parametrize(
    ("limit", "speed"), [(2, 60), pytest.param(None, 20, marks=pytest.mark.full)], ids=["two", "all of them"]
)
@pytest.mark.timeout(300)
async def test_the_database_holds_every_recorded_value_and_no_other(
    shared_data: Path, timescale_database: str, home: Path, limit: int | None, speed: float
) -> None:
    options = Options(shared_data / "bidmc", home / "replay", speed, limit, timescale_database)
    done = await replay(options, Console(force_terminal=False))
    assert done is not None
    assert (done.samples.lost, done.samples.duplicated) == (0, 0)
    for number, player in enumerate(done.players):
        patient = done.provisioned.patients[number // 2]
        found = stored_samples(timescale_database, patient, done.provisioned.devices[player.address])
        wanted = {
            (int(sample["time"]), Vital(sample["vital"])): (sample["value"], sample["status"]) for sample in player.samples
        }
        assert found.keys() == wanted.keys()
        for key, (value, status) in wanted.items():
            assert np.float32(found[key][0]) == value
            assert found[key][1] == (None if status == Status.OK else status)

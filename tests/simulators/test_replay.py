from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from devices.sample import Status
from devices.vitals import Vital
from simulators.errors import RecordingError
from simulators.replay import COLUMNS, Player, players, read_folder, read_recording, samples, start_of
from simulators.scenario import Sensor

NOW = 1_790_000_000_000
HEAD = "Time [s], HR, PULSE, RESP, SpO2\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "bidmc_90_Numerics.csv"
    path.write_text(text)
    return path


def test_missing_values_are_no_samples_and_others_are_exact(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "-0,94,93,25,97\n1,NaN,93,,97.5\n2,NaN,NaN,NaN,NaN\n4,500,91,24,96\n")
    found = read_recording(path)
    belt = samples(found, Sensor.BELT, NOW)
    assert [(int(one["time"]) - NOW, float(one["value"]), int(one["vital"]), int(one["status"])) for one in belt] == [
        (0, 94, Vital.HEART_RATE, Status.OK),
        (0, 25, Vital.RESPIRATORY_RATE, Status.OK),
        (4000, 500, Vital.HEART_RATE, Status.OUT_OF_RANGE),
        (4000, 24, Vital.RESPIRATORY_RATE, Status.OK),
    ]
    assert len(samples(found, Sensor.OXIMETER, NOW)) == 6


@pytest.mark.parametrize(
    "text", ["", HEAD, "Time [s], HR\n0,1\n", HEAD + "0,a,1,1,1\n", HEAD + "0,1,1\n", HEAD + "1,1,1,1,1\n1,2,2,2,2\n"]
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordingError, match="no recording"):
        read_recording(written(tmp_path, text))


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recordings"):
        read_folder(tmp_path)


@pytest.mark.parametrize("speed", [0.5, 1, 7, 20])
def test_no_reading_is_ahead_of_the_clock_and_the_last_is_measured_when_published(tmp_path: Path, speed: float) -> None:
    rows = "".join(f"{second},80,80,15,97\n" for second in range(481))
    player = Player(read_recording(written(tmp_path, HEAD + rows)), Sensor.BELT, began=NOW, speed=speed)
    clock, got = NOW, []
    while not player.done:
        for at, part in player.due(clock):
            assert clock - at > -1
            assert {int(time) for time in part["time"]} == {at} and len(part) == 2
            got.append((clock, at))
        clock += 100
    times = [at for _, at in got]
    assert set(np.diff(times)) == {1000} and len(times) == 481
    if speed >= 1:
        assert got[-1][0] - got[-1][1] <= 101
    assert clock - NOW <= 481_000 / speed + 200


def test_a_replay_at_real_time_begins_now_and_a_fast_one_in_the_past() -> None:
    assert start_of(NOW, 480, 1) == NOW
    assert start_of(NOW, 480, 20) == NOW - 456_000
    with pytest.raises(RecordingError):
        start_of(NOW, 480, 0)


def test_every_value_of_the_real_recordings_is_played_once(shared_data: Path) -> None:
    folder = shared_data / "bidmc"
    recordings = read_folder(folder)
    assert len(recordings) == 26
    total = 0
    for player in players(recordings, began=NOW, speed=20):
        played = [one for clock in range(NOW, NOW + 26_000, 500) for one in player.due(clock)]
        assert player.done
        with (folder / f"{player.recording.name}_Numerics.csv").open() as file:
            rows = [{name.strip(): cell for name, cell in row.items()} for row in csv.DictReader(file)]
        expected = {
            (player.start + (int(row["Time [s]"]) - int(rows[0]["Time [s]"])) * 1000, int(vital)): float(row[name])
            for row in rows
            for name, vital in COLUMNS[player.sensor]
            if row[name] != "NaN"
        }
        got = {(int(s["time"]), int(s["vital"])): float(s["value"]) for _, part in played for s in part}
        assert got == expected and sum(len(part) for _, part in played) == len(expected)
        total += len(expected)
    assert total > 45_000

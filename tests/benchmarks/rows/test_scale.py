from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from benchmarks.loads.observation import Step, committed_at
from benchmarks.loads.patients_case import MIDNIGHT, Spec, run
from benchmarks.loads.patients_load import HEARTBEAT_S, READING_S, SLOT_S, VITALS, Homes
from benchmarks.rows.patients_worker import growth
from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from devices.sample import SAMPLE
from devices.wire.batch import HEADER, Kind
from devices.wire.sealing import open_record
from tests.benchmarks.test_quick import names
from tests.benchmarks.test_quick import run as run_rows
from tests.streams.producing import World

SECOND = 10**9
_Test = TypeVar("_Test", bound=Callable[..., None])


def slow(test: _Test) -> _Test:
    """A row on real servers."""
    marked: _Test = pytest.mark.stack(pytest.mark.full(pytest.mark.timeout(400)(test)))
    return marked


@slow
def test_one_worker_stores_what_five_thousand_patients_send(kafka: Kafka, postgres: Postgres) -> None:
    found, _ = run_rows(["worker"], kafka, postgres)
    assert all(found["checks"].values()), found["checks"]
    bounds = {one["name"]: one["bound"] for one in found["goals"]}
    assert bounds == {
        "5k: worker's CPU a sample, times what is sent": 1.0,
        "5k: worker's memory, at its peak": 2.0,
        "5k: sample → committed, p99": 2.0,
        "5k: growth of the lag / what arrives": 0.01,
    }
    figures = {one["name"].removeprefix("5k: "): one["median"] for one in found["figures"]}
    assert figures["committed"] == pytest.approx(5000 / READING_S * len(VITALS), rel=0.4)
    assert 0 < figures["sample → committed, p50"] <= figures["sample → committed, p99"] <= figures["sample → committed, max"]
    assert "shared" in found["notes"][0]


@slow
def test_gateways_that_reconnect_lose_nothing(kafka: Kafka, postgres: Postgres) -> None:
    found, _ = run_rows(["gateways"], kafka, postgres)
    assert found["checks"] == {"gateways: none of 20 batches was lost": True}
    assert "20 gateways: broker's memory a connection" in names(found, "figures")


@slow
def test_several_workers_store_the_same_as_one(kafka: Kafka, postgres: Postgres) -> None:
    found, _ = run_rows(["scale"], kafka, postgres)
    assert all(found["checks"].values()), found["checks"]
    assert "scale: 60 a batch: any number of workers stores the same samples" in found["checks"]
    rates = {one["name"]: one["median"] for one in found["figures"] if one["unit"] == "samples/s"}
    assert len(rates) == 4
    assert min(rates.values()) > 0


@slow
def test_patients_are_told_with_their_dearest_second(kafka: Kafka, postgres: Postgres) -> None:
    found, _ = run_rows(["patients"], kafka, postgres)
    assert {"dearest second / median one, 1k, 1 s", "CPU a sample, 1k, 1 s, 64 / 1 partitions"} <= names(found, "goals")
    assert "the dearest second is " in found["notes"][0]


def test_a_case_measures_each_second_around_midnight_and_profiles_those_it_is_asked_for() -> None:
    found = run(Spec(64, 64, 1, fill=3, seconds=6, profile=[MIDNIGHT]))
    assert (found.first, len(found.spent), found.samples) == (MIDNIGHT - 3, 5, 6 * 64 * 4)
    assert "streams.engine.engine:advance" in dict(found.profiles[MIDNIGHT])


def test_gateways_send_a_reading_each_ten_seconds_and_a_heartbeat_each_thirty_under_the_patients_own_keys() -> None:
    world = World(range(1, 301))
    homes, ring = Homes(world.secrets), world.ring()
    sent = [record for slot in range(round(HEARTBEAT_S / SLOT_S)) for _, record in homes.records(slot * SLOT_S)]
    heads = np.concatenate([np.frombuffer(record, HEADER, 1) for record in sent])
    readings, beats = heads[heads["kind"] == Kind.SAMPLES], heads[heads["kind"] == Kind.EVENT]
    assert (np.bincount(readings["patient"])[1:] == HEARTBEAT_S // READING_S).all()
    assert (np.bincount(beats["patient"])[1:] == 1).all()
    assert [readings["first"][readings["patient"] == 7].tolist(), beats["first"].max()] == [[0, 1, 2], 0]
    for record, head in zip(sent[:50], heads[:50], strict=True):
        key = ring.get_many([int(head["key"])])[int(head["key"])]
        assert key is not None
        assert (key.patient, key.gateway) == (head["patient"], head["gateway"])
        payload = open_record(record, key.aead)
        if head["kind"] == Kind.SAMPLES:
            assert np.frombuffer(payload, SAMPLE)["vital"].tolist() == list(VITALS)


def test_a_lag_that_stands_does_not_grow_and_one_that_gets_longer_does() -> None:
    second = np.arange(0, 60 * SECOND, SECOND)
    sent = np.repeat(second, 1000) + np.tile(np.arange(1000) * 1_000_000, 60)
    backlog = [Step(-1, 0, 500, 0)]
    all_of_it = backlog + [Step(int(at), 0, 1064, 0) for at in second]
    three_quarters = backlog + [Step(int(at), 0, 798, 0) for at in second]
    assert growth(sent, all_of_it) == pytest.approx(0, abs=1e-3)
    assert growth(sent, three_quarters) == pytest.approx(0.25, abs=0.01)


def test_a_record_is_committed_with_the_first_round_that_moves_its_partition_past_it() -> None:
    steps = [Step(10, 0, 2, 2, [(0, 5, 7)]), Step(20, 0, 2, 2, [(0, 7, 9), (1, 0, 1)])]
    notes = np.array([(0, 6, 0, 0), (0, 7, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0), (2, 0, 0, 0)], np.int64)
    assert committed_at(steps, notes).tolist() == [10, 20, 20, -1, -1]

from __future__ import annotations

import itertools
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.figures import Report
from benchmarks.peers.batch_job import BatchJob
from benchmarks.peers.job import BATCH, MEAN_LIMIT, SAMPLE, same
from benchmarks.peers.log import Message, batches, people, samples
from benchmarks.peers.picture import draw
from benchmarks.peers.race import Race, Size, those_of
from benchmarks.peers.sample_job import SampleJob
from benchmarks.peers.vigil_engine import EngineJob
from deploy.stack.kafka import Kafka
from streams.engine.opening.block import Block


@pytest.mark.stack
def test_contenders_that_need_nothing_more_find_the_same_in_both_jobs(kafka: Kafka, tmp_path: Path) -> None:
    report = Report(print, quick=True)
    roster = those_of((), {"nothing"})
    names = "Vigil", "stock Faust", "bare confluent"
    assert {(one.job, one.name) for one in roster} == set(itertools.product((SAMPLE, BATCH), names))
    Race(kafka, report, tmp_path, Size((24, 20), (24, 4)), {"nothing": [sys.executable, "-m"]}).run(roster, 1)
    assert len(report.checks) == len(roster)
    assert all(report.checks.values()), report.checks
    assert {goal.name for goal in report.goals} == {"Vigil / stock Faust", "Vigil / bare confluent"}


def blocks_of(messages: Iterable[Message], size: int) -> Iterator[list[Block]]:
    parts: dict[int, list[Message]] = {}
    for message in messages:
        parts.setdefault(message.partition, []).append(message)
    for first in range(0, max(map(len, parts.values())), size):
        some = {partition: mine[first : first + size] for partition, mine in parts.items() if mine[first:]}
        yield [
            Block(p, first, first + len(mine), np.array([m.at for m in mine], np.int64), [m.value for m in mine])
            for p, mine in some.items()
        ]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_engine_finds_what_numpy_finds_batch_by_batch_wherever_the_log_is_cut(size: int) -> None:
    messages = list(batches(24, 12))
    plain, engine = BatchJob(), EngineJob()
    for message in messages:
        plain.take(message.value, message.at)
    for blocks in blocks_of(messages, size):
        engine.round(blocks)
    found = plain.found()
    assert found["episodes"] > 20
    assert same(found, engine.found()), (found, engine.found())


def test_a_count_that_differs_by_one_or_a_sum_by_a_millionth_is_not_the_same() -> None:
    found = {"samples": 3, "mean 60": 1e6}
    assert same(found, {"samples": 3, "mean 60": 1e6 + 1e-4})
    assert not same(found, {"samples": 4, "mean 60": 1e6})
    assert not same(found, {"samples": 3, "mean 60": 1e6 + 1})
    assert not same(found, {"samples": 3})


def test_every_batch_but_the_last_has_sixty_readings_and_everybody_ends_in_one_second() -> None:
    messages = [message for message in batches(24, 3) if message.value[1] == 1]
    end = max(message.at // 1000 for message in messages)
    assert {(len(m.value) - 56) // 64 for m in messages if m.at // 1000 < end} == {60}
    assert sorted(int.from_bytes(m.key, "little") for m in messages if m.at // 1000 == end) == sorted(people(24))


def test_the_sample_log_has_a_message_a_sample_of_about_180_bytes() -> None:
    sizes = [len(message.value) for message in samples(10, 5)]
    assert 150 < min(sizes) <= max(sizes) < 200


def test_the_picture_shows_every_contender_with_its_median() -> None:
    report = Report(lambda _: None)
    report.figure("JSON a sample", "Vigil", "messages/CPU-s", [200_000.0, 210_000.0, 190_000.0])
    report.figure("JSON a sample", "this & that", "messages/CPU-s", [50_000.0])
    drawn = draw({"machine": {"cores": 2, "cpu": "x", "kafka": "4"}, **report.as_json()})
    texts = [one.text for one in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert {"Vigil", "200 k", "this & that", "50 k"} <= set(texts)


def test_the_sample_job_is_the_mean_of_the_last_minute() -> None:
    messages = list(samples(4, 90))
    seen: dict[tuple[int, str], list[tuple[int, int]]] = {}
    above: dict[tuple[int, str], bool] = {}
    job, means, crossings = SampleJob(), 0, 0
    for message in messages:
        job.take(message.value, message.at)
        one = msgspec.json.decode(message.value)
        mine = seen.setdefault((one["patient"], one["vital"]), [])
        mine.append((one["time"], round(one["value"] * 10)))
        last = [tenths for time, tenths in mine if time > one["time"] - 60_000]
        mean = 1000 * sum(last) // len(last)
        beyond, key = mean > MEAN_LIMIT[one["vital"]], (one["patient"], one["vital"])
        crossings += beyond and not above.get(key, False)
        means, above[key] = means + mean, beyond
    assert job.found() == {"samples": len(messages), "means": means, "crossings": crossings}
    assert crossings > 0

"""The two topics, prepared once: what is in them follows from a seed."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.loads.reading import ends
from benchmarks.loads.ward import append, samples_of
from benchmarks.peers.job import CLOCK_S, NAMES, PARTITIONS, READINGS, VITALS
from benchmarks.peers.sample_job import Sample
from deploy.stack.kafka import Kafka
from deploy.stack.topics import Topic
from devices.wire.batch import Kind, header

START: Final = 1_700_000_040
"""s: the first second of both logs, a whole minute."""
_CALM: Final = np.array([80.0, 80.0, 97.0, 16.0, 37.1])
_SWING: Final = np.array([2.0, 2.0, 0.3, 0.4, 0.2])
_BEYOND: Final = (141.0, 141.0, 85.0, 33.0)
_ARTEFACTS: Final = 0.02
TAIL: Final = 8


class Message(NamedTuple):
    partition: int
    key: bytes
    at: int  # ms
    value: bytes


class Log(NamedTuple):
    """A topic, and where each partition ends."""

    job: str
    topic: str
    ends: list[int]

    def starts(self, *, tail: bool) -> list[int]:
        """Where each partition begins or, for who is slow, where its last eighth does."""
        return [end - end // TAIL if tail else 0 for end in self.ends]


def fill(kafka: Kafka, job: str, messages: Iterable[Message]) -> Log:
    """A new topic that holds ``messages``.

    Raises:
        BenchmarkError: the broker did not take all of them.
    """
    options = {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    topic = f"peers-{job}-{secrets.token_hex(3)}"
    kafka.create(Topic(topic, PARTITIONS, options))
    append(kafka.client(), topic, messages, linger_ms=20)
    return Log(job, topic, ends(kafka.bootstrap, topic, PARTITIONS))


def samples(patients: int, seconds: int) -> Iterator[Message]:
    """The log of the job "sample": patients x five vitals at 1 Hz, two in a hundred missing."""
    rng, encode = np.random.default_rng(4), msgspec.json.Encoder().encode
    phase = rng.random((patients, len(NAMES))) * 6.28
    names = [f"p{patient:06d}" for patient in range(patients)]
    devices, gateways = [f"patch-{p:06d}" for p in range(patients)], [f"home-{p // 2:05d}" for p in range(patients)]
    units = ("/min", "/min", "%", "/min", "Cel")
    for second in range(seconds):
        level = _CALM + _SWING * np.sin(second / 16 + phase) + rng.integers(-4, 5, phase.shape) / 10
        there = (rng.random(phase.shape) >= _ARTEFACTS).tolist()
        for patient, values in enumerate(level.round(1).tolist()):
            at = (START + second) * 1000 + patient % 1000
            for vital, value in enumerate(values):
                if there[patient][vital]:
                    whose = devices[patient], gateways[patient]
                    one = Sample(names[patient], NAMES[vital], at, value, units[vital], *whose, second, 0.98)
                    yield Message(patient % PARTITIONS, names[patient].encode(), at, encode(one))


def people(patients: int) -> list[int]:
    """Patient numbers in the partitions 0 … PARTITIONS - 1 of Vigil's 64."""
    return [64 * (1 + k // PARTITIONS) + k % PARTITIONS for k in range(patients)]


def batches(patients: int, minutes: int) -> Iterator[Message]:
    """The log of the job "batch": a batch a minute of each patient, their turns spread over the minute; the last ones of
    all stand in one second, so that everybody's clock ends there, are shorter, and begin nothing.
    """
    rng = np.random.default_rng(5)
    end = START + 60 * (minutes + 1)
    last = dict.fromkeys(people(patients), 0)
    turn: dict[int, list[int]] = {}
    for k, patient in enumerate(last):
        last[patient] = START + k * 60 // patients - 2  # the second before its first reading
        turn.setdefault(k * 60 // patients, []).append(patient)
    for second in range(START + 1, end + 1):
        if second % CLOCK_S == 0:
            for partition in range(PARTITIONS):
                yield Message(
                    partition, bytes(4), second * 1000, header(Kind.CLOCK, patient=0, count=0, received=second * 1000)
                )
        who = list(last) if second == end else turn.get(second % 60, []) if second >= START + 60 else []
        if who:
            reach = [second - 2 - last[patient] for patient in who]
            yield from _batch(rng, second, who, last, reach, calm=second == end)


def _batch(
    rng: np.random.Generator, second: int, who: list[int], last: dict[int, int], reach: list[int], *, calm: bool
) -> Iterator[Message]:
    """One batch of each of ``who``, of ``reach`` readings from ``last`` on; ``last`` moves on."""
    begin = np.array([last[patient] + 1 for patient in who])
    number = np.array(who)
    time = begin[:, None] + np.arange(READINGS)
    swing = np.sin(time[..., None] / 40 + number[:, None, None])
    noise = rng.integers(-9, 10, (*time.shape, len(VITALS))) / 10
    block = samples_of(time * 1000 + number[:, None] % 1000, (_CALM[:4] + _SWING[:4] * swing + noise).round(1), VITALS)
    for row, patient in enumerate(() if calm else who):
        _fall_ill(block["value"][row], patient, int(begin[row]))
    block["status"] = rng.random(block.shape) < _ARTEFACTS
    for row, patient in enumerate(who):
        count = min(reach[row], READINGS)
        if count > 0:
            last[patient] += count
            key = header(
                Kind.SAMPLES, patient=patient, device=1000 + patient, gateway=100 + patient, count=count,
                first=int(begin[row]) - START + 1, received=second * 1000,
            )  # fmt: skip
            yield Message(patient % PARTITIONS, key[12:16], second * 1000 + 100, key + block[row, :count].tobytes())


def _fall_ill(values: npt.NDArray[np.float32], patient: int, begin: int) -> None:
    """Every tenth minute 25 s beyond a limit within the batch; 25 s that go on in the next; spikes of 5 s between."""
    nth, which = (begin - START) // 60 + patient, patient // 64 % 4
    if nth % 10 == 0:
        values[10:35, which] = _BEYOND[which]
    elif nth % 10 == 5:
        values[48:, which] = _BEYOND[which]
    elif nth % 10 == 6:
        values[:13, which] = _BEYOND[which]
    elif nth % 10 == 8:
        values[20:25, which] = _BEYOND[which]


def expect(messages: Iterable[Message], starts: list[int], take: Callable[[bytes, int], None]) -> None:
    """Give a job all messages from the offsets ``starts`` on, without a broker."""
    seen = [itertools.count() for _ in range(PARTITIONS)]
    for message in messages:
        if next(seen[message.partition]) >= starts[message.partition]:
            take(message.value, message.at)

"""Seconds in which nothing can change are passed over: the result is that of the plain walk, to the last byte of state."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import HealthCheck, given, settings

from alerts.rules.stages import clinical_stages
from devices.vitals import Vital
from devices.wire.control import Level, Limit, RuleSet
from streams.engine.engine import Engine
from streams.engine.snapshot.recall import Recall
from streams.engine.stage import Stage
from streams.engine.testing import PatientLog, Record, clock_record, round_of
from streams.engine.writes import Writes
from tests.streams.engine.any_log import logs


class Awake(Stage):
    """Never idle: with it every second is evaluated."""


def walked(them: dict[int, list[Record]], stages: Iterable[Stage]) -> tuple[list[object], dict[int, bytes]]:
    engine = Engine(list(stages))
    for partition in them:
        engine.take(partition, None, Recall())
    written: list[Writes] = [engine.advance(round_of(log)) for log in them.values()]
    rows = [(one.conditions, one.rollups.tolist(), one.late.tolist(), one.latest.tolist()) for one in written]
    return [repr(rows)], {partition: engine.snapshot(partition) for partition in them}


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(logs(14))
def test_no_log_shows_whether_quiet_seconds_were_passed_over(them: dict[int, list[Record]]) -> None:
    assert walked(them, clinical_stages()) == walked(them, [*clinical_stages(), Awake()])


def test_they_are_passed_over_where_values_come_rarely_and_never_beside_a_rule_that_looks_each_second() -> None:
    counts = []
    for more in ([], [Awake()]):
        it, count = PatientLog([*clinical_stages(), *more], interval_s=60), [0]
        evaluate = it.engine._turn

        def counted(*given: object, count: list[int] = count, evaluate: object = evaluate) -> None:
            count[0] += 1
            evaluate(*given)  # type: ignore[operator]

        it.engine._turn = counted  # type: ignore[method-assign, assignment]
        it.control(RuleSet(1, (Limit(Vital.SPO2, "low", None, Level(92.0)),), agree=()))
        for value in (97, 88, 97, 97):
            it.measure(Vital.SPO2, value)
            for _ in range(12):
                it.now += 5
                it.append(clock_record(it.now * 1000))
        assert [phase for _, _, phase, _ in it.reported("spo2.low")] == ["onset", "end"]
        counts.append(count[0])
    assert counts[0] < 30
    assert counts[1] == 240

"""Notifications that share one message."""

from __future__ import annotations

from typing import Literal

from alerts.notify.grouping import Waiting, grouped
from streams.engine.condition import Priority


def waiting(
    notification: int, rule: str = "gateway_offline", source: int = 4, recipient: str = "team:3",
    kind: Literal["patient", "partition"] = "patient", priority: int = 2, step: int = 0,
) -> Waiting:  # fmt: skip
    return Waiting(
        notification, notification + 100, recipient, "log", step, 1, kind, rule, source, Priority(priority), "technical"
    )


def numbers(groups: list[list[Waiting]]) -> list[list[int]]:
    return [[one.notification for one in group] for group in groups]


def test_the_patients_of_a_gateway_are_one_message_for_each_team_and_call() -> None:
    found = grouped(
        [waiting(1), waiting(2), waiting(3, source=5), waiting(4, recipient="team:9"), waiting(5, step=1), waiting(6)]
    )
    assert numbers(found) == [[1, 2, 6], [3], [4], [5]]


def test_alarms_of_a_patient_are_one_message_each() -> None:
    assert numbers(grouped([waiting(1, rule="spo2.low"), waiting(2, rule="spo2.low")])) == [[1], [2]]


def test_one_fault_of_many_partitions_is_one_message_and_names_the_most_urgent() -> None:
    stopped = [waiting(n, rule="pipeline_stopped", kind="partition", source=0, priority=2 + (n == 3)) for n in range(5)]
    assert numbers(grouped(stopped)) == [[3, 0, 1, 2, 4]]

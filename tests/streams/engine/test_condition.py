"""Priorities and their words."""

from __future__ import annotations

from typing import get_args

from devices.wire.control import PriorityWord
from streams.engine.condition import Priority


def test_each_word_is_one_priority() -> None:
    assert [Priority.of(word) for word in get_args(PriorityWord)] == [Priority.HIGH, Priority.MEDIUM, Priority.LOW]
    assert tuple(priority.word for priority in Priority) == get_args(PriorityWord)

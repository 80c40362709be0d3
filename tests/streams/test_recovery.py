"""How a partition is taken back."""

from __future__ import annotations

import gc

import pytest

from streams.recovery import without_collector


def test_the_garbage_collector_works_again_after_a_partition_was_taken_or_could_not_be() -> None:
    with without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), without_collector():
        1 / 0  # noqa: B018
    assert gc.isenabled()


def test_who_had_it_switched_off_finds_it_off() -> None:
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

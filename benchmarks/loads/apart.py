"""A process of its own for functions of a load: what is imported, kept in memory and spent there is theirs alone."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.errors import BenchmarkError
from streams.worker.allocator import keep_memory

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for these processes: it counts before numpy is imported
_APART_S: Final = 600.0
_Found = TypeVar("_Found")


def apart() -> Pool:
    """One process that runs functions in turn, with memory kept as a worker keeps it; it ends with the block."""
    return multiprocessing.get_context("spawn").Pool(1, _begin)


def answer(begun: AsyncResult[_Found], limit_s: float = _APART_S) -> _Found:
    """The result of a function that was begun apart; what it raised is raised here.

    Raises:
        BenchmarkError: it has not ended within ``limit_s``.
    """
    try:
        return begun.get(limit_s)
    except multiprocessing.TimeoutError:
        raise BenchmarkError(f"A process of its own did not answer within {limit_s:.0f} s.") from None


def run_apart(function: Callable[..., _Found], *arguments: Any) -> _Found:
    """Run one function in a process of its own."""
    with apart() as process:
        return answer(process.apply_async(function, arguments))


def _begin() -> None:
    keep_memory()
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  the fold says something; the table is what is printed

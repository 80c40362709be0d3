"""A late answer about who a worker was does not make it forget who it is.

A worker that was stopped for longer than its session wakes with a heartbeat and a commit of offsets on their way, both under
the member that the group has put out.  aiokafka begins anew at each answer that says so: the second one comes while it is
joining, and the member that the group has just named for it is given up for another.  The group then waits for the first
until its session ends (seen: 6 s in which no partition moves, after one that woke).  Kafka's own client asks whether the
answer is about the present member; so do we.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_Member = tuple[str, int]
_asked_as: ContextVar[_Member | None] = ContextVar("asked_as", default=None)


def keep_membership(coordinator: Any) -> None:
    """Have ``coordinator`` (aiokafka's) begin anew only when what failed was asked as the member that it still is."""
    commit, reset = coordinator._do_commit_offsets, coordinator.reset_generation

    def present() -> _Member:
        return coordinator.member_id, coordinator.generation

    async def do_commit_offsets(*args: Any) -> None:
        before = _asked_as.set(present())
        try:
            await commit(*args)
        finally:
            _asked_as.reset(before)

    def reset_generation() -> None:
        if _asked_as.get() in {None, present()}:
            reset()

    coordinator._do_commit_offsets, coordinator.reset_generation = do_commit_offsets, reset_generation

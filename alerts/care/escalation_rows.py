"""Runs of an escalation between the table ``escalation`` and the pure core."""

from __future__ import annotations

from typing import Final

from alerts.database import Tx, epoch_ms, to_datetime
from alerts.rota.escalation import Run
from streams.engine.condition import Priority

_READ: Final = f"""
SELECT team, priority, step, round, {epoch_ms("since")}, {epoch_ms("due")}, people, declined, looking
FROM escalation WHERE episode = %s FOR UPDATE"""
_WRITE: Final = """
INSERT INTO escalation (episode, team, priority, step, round, since, due, people, declined, looking)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (episode) DO UPDATE SET (team, priority, step, round, since, due, people, declined, looking) =
    (excluded.team, excluded.priority, excluded.step, excluded.round, excluded.since, excluded.due, excluded.people,
     excluded.declined, excluded.looking)"""


def read_run(tx: Tx, episode: int) -> tuple[int, Run | None]:
    """The team and the run of an episode that the caller holds; (0, ``None``) without one.  A damaged one begins anew."""
    row = tx.execute(_READ, [episode]).fetchone()
    if row is None:
        return 0, None
    team, priority, step, turn, since, due, people, declined, looking = row
    if priority not in set(Priority) or since is None or step < 0:
        return team, None
    return team, Run(
        priority=Priority(priority), step=step, round=turn, since=since, due=due, people=tuple(filter(None, people)),
        declined=tuple(filter(None, declined)), looking=tuple(filter(None, looking)),
    )  # fmt: skip


def write_run(tx: Tx, episode: int, team: int, run: Run | None) -> None:
    """Store the run of an episode that the caller holds; ``None``: it is over."""
    if run is None:
        tx.execute("DELETE FROM escalation WHERE episode = %s", [episode])
        return
    due = None if run.due is None else to_datetime(run.due)
    values = [episode, team, run.priority, run.step, run.round, to_datetime(run.since), due]
    tx.execute(_WRITE, [*values, list(run.people), list(run.declined), list(run.looking)])

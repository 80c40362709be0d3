"""A stage: the plug by which ``alerts`` brings rules into the engine.

The engine calls every stage in the order given, at each whole second of a partition's clock, with what changed since the
last one.  A stage keeps its state in :class:`streams.engine.columns.axis.Columns` tables on the axes of the view (they move,
and go into snapshots, by themselves).  Anything else it keeps must follow from the control records alone (``learn``), which
it gets again after a snapshot was read.  Its conclusions depend on nothing but the log: not on the order of samples within a
second, nor on the place of a column, nor on other partitions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from devices.wire.control import Control
from devices.wire.event import Event
from streams.engine.columns.arrays import Bools, Bytes, Ints
from streams.engine.condition import Condition
from streams.engine.series.dense import DenseSeries
from streams.engine.series.layout import Layout
from streams.engine.series.sparse import SparseSeries
from streams.engine.series.updates import Updates
from streams.engine.timeline import Timeline
from streams.engine.windows.long_windows import LongWindows
from streams.engine.windows.windows import Windows


@dataclass(frozen=True, slots=True)
class View:
    """The state that stages read; they write only to tables of their own."""

    layout: Layout
    timeline: Timeline

    def windows(self) -> Windows:
        """The windows of 60 s and 5 min of all continuous series; asked for in ``attach``, they are kept up from then on."""
        return self.layout.dense.keep_windows()

    def long_windows(self) -> LongWindows:
        """The windows of 1 h and 24 h of all continuous series, in the same way."""
        return LongWindows(self.layout.dense.closed, self.layout.dense.series)

    @property
    def stores(self) -> tuple[DenseSeries, SparseSeries]:
        return self.layout.dense, self.layout.sparse


UNSET: Final = 1 << 60
"""In place of how far a gateway's clock is ahead: it has not been set."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """All that arrived in second ``now``.  Samples of sure time whose records stand in it: by sample the ``sender``'s column
    (equal ones in runs) and measured ``time`` (ms), int64 [n], ``status`` uint8 [n], and the ``column`` of the series, int64
    [n], on the dense axis where ``continuous`` bool [n].  Readings that decide nothing
    for their time, by sample: the sender's column ``unsure`` int64 [u] and the ``doubt`` uint8 [u]
    (:class:`streams.engine.admission.readings.Doubt`).  Heartbeats: the columns of their ``links``, int64 [k], perhaps one
    twice, ``beaten`` int64 [k]: ms by the gateway's clock, and ``ahead`` int64 [k]: ms by which that is ahead of the log's,
    or :data:`UNSET`, and ``full`` int64 [k]: percent of the gateway's outbox in use.
    """

    now: int
    sender: Ints
    time: Ints
    status: Bytes
    column: Ints
    continuous: Bools
    unsure: Ints
    doubt: Bytes
    links: Ints
    beaten: Ints
    ahead: Ints
    full: Ints


@dataclass(frozen=True, slots=True)
class Moment:
    """Second ``now`` of ``partitions`` (int64, ascending; ``member`` bool [PARTITIONS] marks them, None: all that are held).

    ``replaying``: the second is passed over (:mod:`streams.engine.timeline`); a stage learns from it and concludes nothing.
    ``recheck_all``: partitions among them in which everything has to be looked at, not only what changed.  ``dense`` and
    ``sparse`` are in ``Newest`` already.
    """

    now: int
    partitions: Ints
    member: Bools | None
    replaying: bool
    recheck_all: Ints
    dense: Updates
    sparse: Updates


class Stage:
    """A stage that does nothing; each one overrides what it needs."""

    learns: Collection[type[Control]] = ()
    """The kinds of control records of which it keeps anything beside its tables."""
    view: View

    def attach(self, view: View) -> None:
        """Called once, before anything else."""
        self.view = view

    def learn(self, partition: int, patient: int, control: Control) -> None:
        """Keep what is kept of a control record (one of ``learns``) beside the tables; patient 0 for a rule set."""

    def control(self, now: int, partition: int, patient: int, control: Control) -> None:
        """A control record that stands in second ``now`` and was learned takes effect on the tables."""

    def event(self, now: int, patient: int, device: int, gateway: int, event: Event) -> None:
        """An event other than a heartbeat that was admitted and stands in second ``now``."""

    def arrive(self, arrival: Arrival) -> None:
        """Samples were folded, they become visible at the next evaluation; heartbeats came."""

    def set_back(self, partition: int, now: int) -> None:
        """The clock of a partition was set back to second ``now``; the stores have forgotten what was after it."""

    def idle_until(self, now: int) -> int:
        """The first second, from ``now`` on, at which :meth:`evaluate` may have something to do or to report, while no
        sample becomes visible, no minute closes, nothing arrives, and all stages before this one are idle.  Until then the
        engine passes over the seconds whole.
        """
        return now

    def evaluate(self, moment: Moment) -> Sequence[Condition]:
        """The conditions that began, changed or ended at this second."""
        return ()

    def drop(self, partition: int, patients: Sequence[int]) -> None:
        """A partition is given away; its columns go by themselves."""

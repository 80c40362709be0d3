"""The state of the engine that a snapshot packs, beside the tables of the axes."""

from __future__ import annotations

import numpy as np

from devices.wire.control import Control, encode_control, kind_of
from streams.engine.admission.senders import Admission
from streams.engine.columns.arrays import Ints
from streams.engine.series.layout import Layout
from streams.engine.timeline import Timeline


class State:
    """``controls``: the control records in force, JSON by partition, kind and patient.  ``unsettled``: partitions in which
    the next evaluation looks at everything.  ``taken_anew``: partitions that were taken without their past and have had no
    record since.
    """

    def __init__(self, layout: Layout, timeline: Timeline, admission: Admission) -> None:
        self.layout, self.timeline, self.admission = layout, timeline, admission
        self.controls: dict[int, dict[str, dict[int, bytes]]] = {}
        self.unsettled: set[int] = set()
        self.taken_anew: set[int] = set()

    def remember(self, partition: int, patient: int, control: Control) -> None:
        """Keep a control record in place of the last one of its kind."""
        by_patient = self.controls.setdefault(partition, {}).setdefault(kind_of(control), {})
        by_patient[patient] = encode_control(control)

    def settle(self, partitions: Ints) -> Ints:
        """The unsettled ones among partitions (int64), ascending; from now on they are settled."""
        found = self.unsettled.intersection(partitions.tolist())
        self.unsettled -= found
        return np.array(sorted(found), np.int64)

    def drop(self, partition: int) -> None:
        self.controls.pop(partition, None)
        self.unsettled.discard(partition)
        self.taken_anew.discard(partition)

"""Many MQTT wearables in one thread: each takes its readings from a source and publishes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

from devices.sample import Samples, Status
from simulators.mqtt_wearable import MqttWearable
from simulators.wearable_memory import Counts

_TICK_S: Final = 0.1
_NONE: Final = Counts(0, 0, 0, 0)


class Source(Protocol):
    """The source of a wearable's readings: a :class:`simulators.replay.Player` or :class:`simulators.worn.WornSensor`."""

    address: str

    @property
    def done(self) -> bool: ...
    def due(self, now: int) -> Sequence[tuple[int, Samples]]: ...


class Fleet:
    """Pairs of source and wearable.  :meth:`start` and :meth:`stop` it, or :meth:`run` it to the end."""

    def __init__(self, pairs: Sequence[tuple[Source, MqttWearable]]) -> None:
        self.pairs = tuple(pairs)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="mqtt-wearables", daemon=True)
        self.failed: BaseException | None = None

    def start(self) -> None:
        """Connect all and begin to measure."""
        for _, wearable in self.pairs:
            wearable.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop measuring and leave the broker."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
        for _, wearable in self.pairs:
            wearable.stop()

    def run(self, timeout: float) -> Counts:
        """Start, wait until every source is done and all is acknowledged, or ``timeout`` seconds; stop and count."""
        self.start()
        try:
            self.wait(timeout)
        finally:
            self.stop()
        return self.counts

    def wait(self, timeout: float) -> bool:
        """Return True if all was measured and acknowledged within ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while time.monotonic() < until and self._thread.is_alive():
            if all(source.done for source, _ in self.pairs) and not self.counts.waiting:
                return True
            self._stopping.wait(_TICK_S)
        return False

    @property
    def counts(self) -> Counts:
        """The sums over the whole fleet."""
        return Counts(*map(sum, zip(*(wearable.counts for _, wearable in self.pairs), strict=True))) if self.pairs else _NONE

    def _drive(self) -> None:
        try:
            while not self._stopping.is_set():
                now = time.time_ns() // 1_000_000
                for source, wearable in self.pairs:
                    for at, samples in source.due(now):
                        wearable.contact = not (samples["status"] == Status.SENSOR_OFF).any()
                        wearable.measure(at, samples)
                    wearable.pump()
                self._stopping.wait(_TICK_S)
        except Exception as error:  # the owner of the fleet looks at it
            self.failed = error

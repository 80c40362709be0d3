"""The port for this host's clocks."""

from __future__ import annotations

from typing import Protocol


class HostClock(Protocol):
    """Clocks of this host, in seconds; the module :mod:`time` fits."""

    def monotonic(self) -> float: ...

    def time(self) -> float: ...

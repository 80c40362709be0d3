"""This host's clocks, as a port."""

from __future__ import annotations

from typing import Protocol


class HostClock(Protocol):
    """This host's clocks, in seconds; the module :mod:`time` is one."""

    def monotonic(self) -> float: ...

    def time(self) -> float: ...

"""The demo's live screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo.observe import OpenAlarms
from deploy.demo.plan import SignIn
from deploy.demo.summary import Quantiles

_PRIORITY = {3: ("*** high", "bold white on red"), 2: (" ** medium", "black on yellow"), 1: ("  * low", "black on cyan")}


@dataclass(frozen=True, slots=True)
class Part:
    """The state of one component."""

    name: str
    address: str
    healthy: bool
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Screen:
    desk: str
    staff: Sequence[SignIn]
    parts: Sequence[Part]
    samples_a_second: float
    latency: Quantiles
    alarms: OpenAlarms
    names: dict[int, str]
    happening: str
    missing: Sequence[str] = ()

    def __rich__(self) -> RenderableType:
        head = Text.assemble(("The desk: ", "bold"), (self.desk, f"bold underline link {self.desk}"))
        signs = Table.grid(padding=(0, 2))
        for one in self.staff:
            signs.add_row(one.role, Text(one.sign_in, "bold"), Text(one.password))
        parts = Table(box=None, pad_edge=False)
        for title in ("component", "address", "state", "memory"):
            parts.add_column(title, justify="right" if title == "memory" else "left")
        for part in self.parts:
            state = Text("runs") if part.healthy else Text("not ready", "bold red")
            parts.add_row(part.name, part.address, state, f"{part.memory_mb:.0f} MB")
        total = sum(part.memory_mb for part in self.parts)
        parts.add_row(Text("all", "bold"), "", "", Text(f"{total:.0f} MB", "bold"))
        p50, p99 = (f"{ms / 1000:.2f} s" if ms else "–" for ms in (self.latency.p50, self.latency.p99))
        flow = Text(f"{self.samples_a_second:,.0f} samples/s   measured → stored: half within {p50}, 99 % within {p99}")
        counts = Text(f"open alarms: {self.alarms.high} high, {self.alarms.medium} medium, {self.alarms.low} low")
        alarms = Table.grid(padding=(0, 2))
        for priority, patient, rule, life in self.alarms.newest:
            alarms.add_row(Text(*_PRIORITY[priority]), self.names.get(patient, str(patient)), rule, life)
        missing = [Text(line, "yellow") for line in self.missing]
        last = Text("Ctrl-C ends everything. Not a medical device; every patient is invented.", "dim")
        lines: list[RenderableType] = [head, signs, "", parts, "", flow, Text(self.happening), "", counts, alarms]
        lines += [*missing, "", last]
        return Panel(Group(*lines), title="Vigil", border_style="dim")

"""The finding of a check of an installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's result: ``what`` was found, and the ``cure`` if it is wrong."""

    ok: bool
    what: str
    cure: str = ""

    def __str__(self) -> str:
        sentence = self.what if self.ok else f"{self.what}: {self.cure}"
        return ("[bold]ok[/bold]     " if self.ok else "[bold red]wrong[/bold red]  ") + sentence + "."

"""Reports of a starting server's progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with a component, its present step and the part of the step that is done (0 to 1, None: unknown).

    Calls come from several threads, never two at a time for the same component.
    """

    def __call__(self, component: str, step: str, done: float | None = None, /) -> None: ...


def silent(component: str, step: str, done: float | None = None, /) -> None:
    """Tell nobody."""

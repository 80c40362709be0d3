"""The cache of downloaded and prepared programs."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def cache_folder() -> Path:
    """`VIGIL_CACHE` when set, else /var/cache/vigil for root and ~/.cache/vigil (XDG_CACHE_HOME) for others."""
    if chosen := os.environ.get("VIGIL_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/vigil")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vigil"


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """One process at a time prepares `folder`; the lock ends with its holder, so nothing stale can block it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

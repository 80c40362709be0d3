"""A process in which much is simulated: nothing is logged, and the garbage collector passes over what was there before."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def simulated() -> Iterator[None]:
    """Run simulations inside.  The collector went through all modules again and again, a tenth of the time."""
    before = structlog.get_config()
    gc.freeze()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        gc.unfreeze()
        structlog.configure(**before)

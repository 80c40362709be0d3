"""The engine by its definition, slow and plain: one partition, dicts, exact fractions, every figure from its samples."""

from __future__ import annotations

from tests.streams.engine.oracle.oracle import Oracle

__all__ = ["Oracle"]

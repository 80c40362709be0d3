"""Errors of a data set."""

from __future__ import annotations

from deploy.errors import DeployError


class DataSetError(DeployError):
    """A data set that cannot be read."""

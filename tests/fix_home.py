"""Folders for servers: short, apart from each other, and open to the user that a database started by root runs as."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[2] / "shared/data"
NO_RECORDINGS = "the recordings are not here (../shared/data beside the project)"


def new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="vigil-"))
    home.chmod(0o711)  # the database's user must be able to pass, and to list nothing
    return home


@pytest.fixture(scope="session")
def session_home() -> Iterator[Path]:
    """The folder of the servers of the whole session."""
    home = new_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for the servers of one test."""
    folder = new_home()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recordings and vectors beside the project."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"could not run: {NO_RECORDINGS}")
    return RECORDINGS

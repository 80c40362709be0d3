"""The configuration from the desk, kept on disk: the gateway works from it while the desk is away.

The state folder holds ``credential`` and ``config.json`` (with data keys); both are readable by their owner alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from devices.wire.pairing import Claimed, Config, PatientKey
from gateway.private_file import write_private

_log: Final = structlog.get_logger(__name__)


_ANSWERS: Final = {200: "", 304: "", 401: "it does not know this gateway", 410: "it has revoked this gateway"}


class Configuration:
    """The newest :class:`devices.wire.pairing.Config`, in memory and in ``folder`` (the gateway's state folder).

    ``desk_ahead`` is the ms by which the desk's clock was ahead of ours at its last answer, to the second; ``desk_answer``
    is what is wrong with that answer (empty: nothing), ``fresh_at`` the monotonic s of the last good one.
    """

    desk_ahead = 0
    desk_answer = "none yet"
    fresh_at: float | None = None

    def __init__(self, folder: Path) -> None:
        self._path: Final = folder / "config.json"
        self._changed = asyncio.Event()
        self.revoked = False
        self.current: Config | None = None
        if self._path.exists():
            try:
                self.current = msgspec.json.decode(self._path.read_bytes(), type=Config)
            except msgspec.DecodeError as error:
                _log.error("stored configuration is unreadable, asking the desk again", reason=type(error).__name__)

    @property
    def version(self) -> int:
        """The version of the configuration; 0 before there is any."""
        return self.current.version if self.current else 0

    def accept(self, config: Config) -> None:
        """Keep ``config``, on disk first, and wake all that wait for a change."""
        write_private(self._path, msgspec.json.encode(config))
        self.current = config
        self._wake()

    def answered(self, status: int) -> None:
        """Note an answer of the desk (an HTTP status)."""
        self.desk_answer = _ANSWERS.get(status, f"status {status}")
        if not self.desk_answer:
            self.fresh_at = time.monotonic()

    def revoke(self) -> None:
        """Forget every key after the desk has revoked this gateway, so that nothing can be sealed any more."""
        self.revoked = True
        if self.current is not None:
            self.accept(msgspec.structs.replace(self.current, patients=(), devices=(), leaving=()))
        self._wake()

    def key_of(self, patient: int) -> PatientKey | None:
        """The data key that seals this patient's readings; None if they must not leave the gateway."""
        if self.current is None:
            return None
        keys = (*self.current.leaving, *self.current.patients)
        return next((key for key in reversed(keys) if key.patient == patient), None)

    async def changed(self, *, timeout: float | None = None, helpers: Collection[asyncio.Future[None]] = ()) -> None:
        """Wait for the next change, for up to ``timeout`` seconds.

        If one of ``helpers`` ends meanwhile, its error is raised: a bug ends the gateway rather than let it do nothing.
        """
        changed = asyncio.create_task(self._changed.wait())
        waiting: set[asyncio.Future[Any]] = {changed, *helpers}
        try:
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        for helper in helpers:
            if helper.done():
                helper.result()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Desk(msgspec.Struct, frozen=True):
    """The address of the desk (a URL), and the PEM file that vouches for it if it is not the system's own."""

    address: str = "http://127.0.0.1:8080"
    ca: str | None = None


def store_desk(folder: Path, address: str, ca: Path | None = None) -> None:
    """Keep the address at which the gateway was claimed."""
    write_private(folder / "desk.json", msgspec.json.encode(Desk(address, str(ca.resolve()) if ca else None)))


def read_desk(folder: Path) -> Desk:
    """The address at which the gateway was claimed; this machine's own desk where none was kept."""
    try:
        return msgspec.json.decode((folder / "desk.json").read_bytes(), type=Desk)
    except FileNotFoundError:
        return Desk()
    except msgspec.DecodeError as error:
        _log.error("the desk's stored address is unreadable: set VIGIL_GATEWAY_DESK", reason=type(error).__name__)
        return Desk()


def store_credential(folder: Path, claimed: Claimed) -> None:
    """Keep the answer to the claim."""
    write_private(folder / "credential", msgspec.json.encode(claimed))


def has_credential(folder: Path) -> bool:
    """True once the gateway has been claimed."""
    return (folder / "credential").exists()


def read_credential(folder: Path) -> Claimed | None:
    """The answer to the claim; None before pairing."""
    try:
        return msgspec.json.decode((folder / "credential").read_bytes(), type=Claimed)
    except FileNotFoundError:
        return None

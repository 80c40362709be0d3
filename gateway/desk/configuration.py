"""What the desk last told this gateway, kept on disk: it works from it while the desk is away.

The state folder holds ``credential`` and ``config.json`` (with data keys); both are readable by their owner alone.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from devices.wire.pairing import Claimed, Config, PatientKey

_log: Final = structlog.get_logger("gateway.desk.configuration")


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 so that a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Configuration:
    """The newest :class:`devices.wire.pairing.Config` and who waits for it.  ``folder`` is the gateway's state folder."""

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
        """0 before there is any."""
        return self.current.version if self.current else 0

    def accept(self, config: Config) -> None:
        """Keep ``config``, on disk first, and wake whoever waits."""
        write_private(self._path, msgspec.json.encode(config))
        self.current = config
        self._wake()

    def revoke(self) -> None:
        """The desk knows this gateway no more: forget every key, so that nothing can be sealed from here on."""
        self.revoked = True
        if self.current is not None:
            self.accept(msgspec.structs.replace(self.current, patients=(), devices=()))
        self._wake()

    def key_of(self, patient: int) -> PatientKey | None:
        """The data key to seal this patient's readings with; None: they do not leave."""
        if self.current is None:
            return None
        return next((key for key in reversed(self.current.patients) if key.patient == patient), None)

    async def changed(self) -> None:
        """Returns at the next change."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def store_credential(folder: Path, claimed: Claimed) -> None:
    """Keep what the claim answered."""
    write_private(folder / "credential", msgspec.json.encode(claimed))


def read_credential(folder: Path) -> Claimed | None:
    """What the claim answered; None before pairing."""
    try:
        return msgspec.json.decode((folder / "credential").read_bytes(), type=Claimed)
    except FileNotFoundError:
        return None

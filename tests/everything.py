"""Everything that `make test` runs: what it needs, lint, types, layers, every test; then what could not run and why.

    python -m tests.everything [--only-static] [--full] [options of pytest]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.outcome import Outcome, read_outcome
from tests.programs import prepare_programs, prepare_servers

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "out/tests.xml"
_STATIC_MINUTES = 5
_SERVERS_MINUTES = 15
_TESTS_MINUTES = 30  # the suite has to stay under 10; a hanging one must end all the same


@dataclass
class Steps:
    """What was done, how long it took, and whether it was right."""

    failed: list[str] = field(default_factory=list)

    def run(self, name: str, work: Callable[[], str]) -> None:
        """`work` returns what is wrong: nothing when all is well."""
        print(f"── {name} …", flush=True)
        began = time.monotonic()
        wrong = work()
        if wrong:
            self.failed.append(name)
            print(wrong)
        print(f"   {name}: {'FAILED' if wrong else 'ok'}, {time.monotonic() - began:.1f} s", flush=True)


def static(program: str, *options: str) -> str:
    """Run a checker of our environment; its output when it finds something."""
    command = [str(Path(sys.executable).with_name(program)), *options]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_STATIC_MINUTES * 60,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} could not be run: {error}"
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"status {done.returncode}"


def programs(missing: list[str]) -> str:
    """Install what is missing; what stays missing is no failure, and told at the end."""
    missing += prepare_programs()
    return ""


def joined(servers: threading.Thread) -> str:
    """Wait until the cache is filled."""
    servers.join(_SERVERS_MINUTES * 60)
    return f"not prepared in {_SERVERS_MINUTES} minutes" if servers.is_alive() else ""


def tests(options: list[str]) -> str:
    """Run pytest, its output passing through; what is wrong in one line."""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    # two at a time: most tests wait for servers; each of the two has servers of its own
    at_once = ["--numprocesses=2", "--dist=loadfile"]
    told = ["--durations=15", "--durations-min=0.5", f"--junit-xml={REPORT}"]
    command = [sys.executable, "-m", "pytest", *at_once, *told, *options]
    try:
        status = subprocess.run(command, cwd=ROOT, check=False, timeout=_TESTS_MINUTES * 60, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"pytest was ended after {_TESTS_MINUTES} minutes"
    return "" if status.returncode == 0 else f"pytest ended with status {status.returncode}"


def tell(outcome: Outcome, missing: list[str]) -> None:
    """What could not run and why, then the count."""
    print("\nWhat could not run, and why:")
    for line in missing:
        print(f"  {line}")
    for reason, names in sorted(outcome.skipped.items()):
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        print(f"  {reason}\n      {len(names)} test{'s' * (len(names) != 1)}: {shown}")
    if not missing and not outcome.skipped:
        print("  nothing: all of it ran")
    print(f"\n{outcome.passed} passed, {outcome.failed} failed, {sum(map(len, outcome.skipped.values()))} skipped")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test", description="All checks and tests of Vigil.", allow_abbrev=False)
    parser.add_argument("--only-static", action="store_true", help="lint, types and layers alone")
    parser.add_argument("--full", action="store_true", help="the slow matrices as well")
    chosen, options = parser.parse_known_args()
    began, steps, missing = time.monotonic(), Steps(), list[str]()
    servers = threading.Thread(target=lambda: missing.extend(prepare_servers()), name="servers", daemon=True)
    if not chosen.only_static:
        steps.run("programs", lambda: programs(missing))
        servers.start()  # downloads go on while the checks run
    steps.run("lint (ruff)", lambda: static("ruff", "check", "."))
    steps.run("types (mypy)", lambda: static("mypy"))
    steps.run("layers (import-linter)", lambda: static("lint-imports"))
    if not chosen.only_static:
        steps.run("servers", lambda: joined(servers))
        if chosen.full:
            options += ["-m", "full or not full"]
        steps.run("tests (pytest)", lambda: tests(options))
    print(f"\n{time.monotonic() - began:.0f} s in all; failed: {', '.join(steps.failed) or 'nothing'}")
    if not chosen.only_static:
        tell(read_outcome(REPORT), missing)
    return 1 if steps.failed else 0


if __name__ == "__main__":
    sys.exit(main())

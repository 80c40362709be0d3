"""Everything that `make test` runs: what cannot run here, lint, types, layers, every test; then again what did not, and why.

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
from tests.programs import lacking, prepare_programs, prepare_servers

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "out/tests.xml"
AT_ONCE = 3
_STATIC_MINUTES = 5
_SERVERS_MINUTES = 15
_TESTS_MINUTES = 30  # the suite has to stay under 10; a hanging one must end all the same


CHECKS: dict[str, tuple[str, ...]] = {
    "lint (ruff)": ("ruff", "check", "."),
    "form (ruff format)": ("ruff", "format", "--check", "--quiet", "."),
    "layers (import-linter)": ("lint-imports",),
    "types (mypy)": ("mypy",),
}


@dataclass
class Steps:
    """The steps done, each with its duration and its result."""

    failed: list[str] = field(default_factory=list)

    def run(self, name: str, work: Callable[[], str]) -> None:
        """`work` returns what is wrong: nothing when all is well."""
        print(f"── {name} …", flush=True)
        self.judge(name, work)

    def judge(self, name: str, work: Callable[[], str]) -> None:
        """Run a step without announcing it, for work beside other steps."""
        began = time.monotonic()
        wrong = work()
        if wrong:
            self.failed.append(name)
        line = f"   {name}: {'FAILED' if wrong else 'ok'}, {time.monotonic() - began:.1f} s"
        print(f"{wrong}\n{line}" if wrong else line, flush=True)


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
    """Install what is missing; what stays missing is no failure, and is said at once and again at the end."""
    missing += prepare_programs() + lacking()
    foretell(missing)
    return ""


def foretell(missing: list[str]) -> None:
    """Print, before anything takes its time, what cannot run here and why."""
    for line in missing:
        print(f"   will not run: {line}", flush=True)


def checks(steps: Steps) -> None:
    """Lint, layers and types; a few seconds of one core."""
    for name, command in CHECKS.items():
        steps.judge(name, lambda command=command: static(*command))  # type: ignore[misc]


def joined(work: threading.Thread, minutes: float) -> str:
    """Wait for work that runs beside."""
    work.join(minutes * 60)
    return f"not done in {minutes} minutes" if work.is_alive() else ""


def tests(options: list[str]) -> str:
    """Run pytest, its output passing through; what is wrong in one line."""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    # more at a time than cores: most tests wait for servers; each has servers of its own.  tests/longest.py orders the files
    at_once = [f"--numprocesses={AT_ONCE}", "--dist=loadfile", "--no-loadscope-reorder"]
    reports = ["--durations=15", "--durations-min=0.5", f"--junit-xml={REPORT}"]
    command = [sys.executable, "-m", "pytest", *at_once, *reports, *options]
    try:
        status = subprocess.run(command, cwd=ROOT, check=False, timeout=_TESTS_MINUTES * 60, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"pytest was ended after {_TESTS_MINUTES} minutes"
    return "" if status.returncode == 0 else f"pytest ended with status {status.returncode}"


def tell(outcome: Outcome, missing: list[str]) -> None:
    """Print the tests that could not run, with the reason, then the count."""
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
    beside = threading.Thread(target=lambda: checks(steps), name="checks", daemon=True)
    if chosen.only_static:
        beside.run()
    else:
        steps.run("programs", lambda: programs(missing))
        known = len(missing)
        servers = threading.Thread(target=lambda: missing.extend(prepare_servers()), name="servers", daemon=True)
        servers.start()
        beside.start()  # while servers are fetched, and while tests wait for theirs
        steps.run("servers", lambda: joined(servers, _SERVERS_MINUTES))
        foretell(missing[known:])
        if chosen.full:
            options += ["-m", "full or not full"]
        steps.run("tests (pytest)", lambda: tests(options))
        steps.run("checks", lambda: joined(beside, _STATIC_MINUTES))
    print(f"\n{time.monotonic() - began:.0f} s in all; failed: {', '.join(steps.failed) or 'nothing'}")
    if not chosen.only_static:
        tell(read_outcome(REPORT), missing)
    return 1 if steps.failed else 0


if __name__ == "__main__":
    sys.exit(main())

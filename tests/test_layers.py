"""Each import contract bites: a violation planted in a copy of the packages is found, under the contract's own name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in _SETTINGS["contracts"]}
# The contract, the file that breaks it, and the import that does. Forbidden contracts are broken through a neighbour.
PLANTED = [
    ("Layers point down", "devices/vitals.py", "streams.engine.stage"),
    ("Layers point down", "alerts/care/facts.py", "simulators.errors"),
    ("Layers point down", "deploy/settings.py", "benchmarks.errors"),
    ("Nothing is imported of the tests", "benchmarks/figures.py", "tests.outcome"),
    ("Inside streams, layers point down", "streams/kafka/log.py", "streams.store.ledger"),
    ("Inside alerts, layers point down", "alerts/care/facts.py", "alerts.desk.errors"),
    ("Alerts uses of streams the engine alone", "alerts/care/facts.py", "streams.store.ledger"),
    ("The gateway stands alone", "gateway/clock.py", "streams.engine.stage"),
    ("Simulators know devices alone", "simulators/physiology.py", "gateway.clock"),
]  # fmt: skip
PURE = "The pure core reaches no I/O and no clock"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, where they may be spoiled."""
    folder = tmp_path_factory.mktemp("house")
    for package in _SETTINGS["root_packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "static", "*.html"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> str:
    """The output of import-linter."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.stdout


def broken(printed: str) -> list[str]:
    """The names of the contracts that do not hold."""
    return [line.removesuffix(" BROKEN") for line in printed.splitlines() if line.endswith(" BROKEN")]


@contextmanager
def planted(file: Path, text: str) -> Iterator[None]:
    """Add lines to the end of a file for the time of the block."""
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{text}\n")
    try:
        yield
    finally:
        file.unlink() if before is None else file.write_text(before)


def test_every_contract_has_a_violation_planted_against_it() -> None:
    assert {name for name, _, _ in PLANTED} | {PURE} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "file", "module"), PLANTED)
def test_a_planted_import_breaks_its_contract(copy: Path, contract: str, file: str, module: str) -> None:
    with planted(copy / file, f"import {module}"):
        assert contract in broken(lint(copy))


@pytest.mark.parametrize("source", CONTRACTS[PURE]["source_modules"])
def test_the_pure_core_reaches_no_io_through_a_neighbour(copy: Path, source: str) -> None:
    """A new module below imports all that is forbidden, and one file of the core imports that module.  Each name must be
    reported: one that import-linter does not know, a misspelled one say, would forbid nothing.
    """
    forbidden = CONTRACTS[PURE]["forbidden_modules"]
    neighbour = "\n".join(f"import {module}" for module in forbidden)
    target = next(file for file in sorted((copy / source.replace(".", "/")).rglob("*.py")) if file.name != "__init__.py")
    with planted(copy / "devices/planted.py", neighbour), planted(target, "import devices.planted"):
        printed = lint(copy)
    assert broken(printed) == [PURE]
    assert [name for name in forbidden if f"{source} is not allowed to import {name}:" not in printed] == []

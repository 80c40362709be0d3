"""The documentation: what it links to is there, and the commands and settings it shows exist."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest
import typer

from deploy.cli import COMMANDS, build

ROOT = Path(__file__).parents[1]
_OWN = ("alerts", "benchmarks", "deploy", "devices", "gateway", "simulators", "streams", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "alerts").rglob("*.md")])
SOURCES = sorted(path for room in _OWN for path in (ROOT / room).rglob("*.py"))
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```(?:sh|bash)\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"`((?:docs|{'|'.join(_OWN)})/[\w./-]+)`")


class Command(Protocol):
    """The parts of a command that are read here (Typer carries a click of its own)."""

    help: str | None
    params: list[Any]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def root_command() -> Command:
    return typer.main.get_command(build(COMMANDS))


def shown(page: Path) -> list[str]:
    """The commands of a page: blocks of shell, and code in the text that begins with a program of ours."""
    text = page.read_text()
    lines = [line for block in _CODE.findall(text) for line in block.splitlines()]
    return [line for line in lines + _INLINE.findall(text) if re.match(r"(VIGIL_\w+=\S+ )*(vigil|make) ", line)]


def examples() -> list[tuple[str, str]]:
    """Those of the pages, and those after "Example:" in the help."""
    found = [(relative(page), line) for page in PAGES for line in shown(page)]
    for name, command in _leaves(root_command(), ()):
        help_text = command.help or ""
        _, _, after = help_text.partition("Example")
        lines = re.split(r"[;,]\s|\n", after.partition(":")[2])
        found += [(f"vigil {name} --help", line) for line in lines if "vigil" in line]
    return found


def _within(command: Command) -> dict[str, Command]:
    return getattr(command, "commands", {})


def _leaves(command: Command, path: tuple[str, ...]) -> list[tuple[str, Command]]:
    if within := _within(command):
        return [leaf for name, one in within.items() for leaf in _leaves(one, (*path, name))]
    return [(" ".join(path), command)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_page_links_to_what_is_there(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{target} is not there"
    for named in _PATH.findall(page.read_text()):
        assert (ROOT / named).exists(), f"{named} is not there"


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = re.findall(rf"`((?:{'|'.join(_OWN)})/[\w./-]*)`", (ROOT / "docs/architecture.md").read_text())
    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_decision_that_is_referred_to_is_there_and_in_the_index() -> None:
    decisions = ROOT / "docs/decisions"
    numbers = {path.name[:4] for path in decisions.glob("0*.md")}
    for path in [*PAGES, *SOURCES, *(ROOT / "deploy/schema").glob("*.sql")]:
        text = path.read_text()
        named = re.findall(r"decisions?[/ ](\d{4})", text)
        if path.parent == decisions:
            named += re.findall(r"\b(0\d{3})\b", text)
        assert set(named) <= numbers, f"{relative(path)}: {sorted(set(named) - numbers)}"
    index = (decisions / "README.md").read_text()
    assert sorted(re.findall(r"\]\((0\d{3})-", index)) == sorted(numbers)


def test_what_docstrings_name_in_docs_is_there() -> None:
    gone = [
        f"{relative(source)}: {named}"
        for source in SOURCES
        for named in re.findall(r"\bdocs/[\w/.-]+\.(?:md|png|svg)\b", source.read_text())
        if not (ROOT / named).exists()
    ]
    assert not gone


@pytest.mark.parametrize(("where", "line"), examples())
def test_a_command_that_is_shown_exists_with_its_options(where: str, line: str) -> None:
    words = [word for word in shlex.split(line.strip().rstrip("."), comments=True) if not re.match(r"VIGIL_\w+=", word)]
    program, *rest = words
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert rest[0] in targets, f"{where}: make has no {rest[0]}"
        return
    command: Command = root_command()
    while (within := _within(command)) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in within, f"{where}: there is no {name}"
        command = within[name]
    known = {option for one in command.params for option in one.opts + one.secondary_opts} | {"-h", "--help"}
    unknown = [word for word in rest if word.startswith("--") and word not in known]
    assert not unknown, f"{where}: {line} has {unknown}, known are {sorted(known)}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_setting_that_is_named_is_read_somewhere(page: Path) -> None:
    settings = " ".join(source.read_text() for source in SOURCES).lower()
    for name in re.findall(r"VIGIL_(?:WORKER_|DESK_|NOTIFY_|GATEWAY_)?([A-Z0-9_]*[A-Z0-9])\b(?!…)", page.read_text()):
        if name not in {"WORKER", "DESK", "NOTIFY", "GATEWAY"}:
            assert re.search(rf"\b{name.lower()}\b|vigil_{name.lower()}\b", settings), f"no setting ends in {name}"


@pytest.mark.parametrize(("name", "command"), _leaves(root_command(), ()))
def test_the_help_of_every_command_says_what_it_does_and_shows_an_example(name: str, command: Command) -> None:
    assert command.help
    assert f"vigil {name}" in command.help, f"vigil {name} --help has no example"


def test_make_help_lists_every_target_a_newcomer_types() -> None:
    output = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    for target in ("setup", "demo", "test", "simulate", "bench", "bench-peers"):
        assert f"make {target} " in output

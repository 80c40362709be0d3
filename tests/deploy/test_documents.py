"""What the README and docs/ tell people to type, and where they send them, exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main

from deploy.cli import COMMANDS, build

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_TYPED = re.compile(r"`((?:vigil|make|python -m) [^`]+)`")
_LINE = re.compile(r"^\s*((?:vigil|make|python -m) .+?)(?:\s{2,}.*|\s+#.*)?$")


def typed(page: Path) -> Iterator[list[str]]:
    """Commands in code, inline or in a block, as their words."""
    text = page.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [found[1] for block in blocks for line in block.splitlines() if (found := _LINE.match(line))]
    inline = _TYPED.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in [*lines, *(" ".join(one.split()) for one in inline)]:
        yield shlex.split(line)


def wrong_with(words: list[str]) -> str:
    """What of a command does not exist."""
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return "" if words[1] in targets else f"no target {words[1]}"
    if words[0] == "python":
        return "" if find_spec(words[2]) else f"no module {words[2]}"
    command, rest = typer.main.get_command(build(COMMANDS)), words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return f"no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return " ".join(f"no option {word}" for word in rest if word.startswith("--") and word.partition("=")[0] not in options)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_every_link_leads_somewhere(page: Path) -> None:
    wrong = [f"{' '.join(words)}: {said}" for words in typed(page) if (said := wrong_with(words))]
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text())
    wrong += [f"link to {link}" for link in links if not (page.parent / link).exists()]
    assert wrong == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert wrong_with(["vigil", "doctor", "--continue", "3"]) == ""
    assert wrong_with(["vigil", "doctor", "--proceed"]) == "no option --proceed"
    assert wrong_with(["vigil", "pear", "team"]) == "no command pear"
    assert wrong_with(["make", "beds"]) == "no target beds"
    assert wrong_with(["python", "-m", "benchmarks.nothing"]) == "no module benchmarks.nothing"
    assert len(list(typed(ROOT / "docs/operations.md"))) > 10

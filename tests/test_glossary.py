"""No name uses a word that docs/glossary.md replaces by another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("alerts", "benchmarks", "deploy", "devices", "gateway", "simulators", "streams", "tests")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
_ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| (?P<instead_of>[^|]*)\|$", re.MULTILINE)


def forbidden() -> set[str]:
    """The words of the glossary's third column."""
    rows = _ROW.finditer((ROOT / "docs/glossary.md").read_text())
    return {word for row in rows for word in re.findall(r"\w+", row["instead_of"])} - {"not"}


def words(name: str) -> str:
    """The words of an identifier, each between underscores: ``_told_apart_`` of ``ToldApart``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"_{apart.strip('_')}_"


def names(path: Path) -> Iterator[tuple[str, int]]:
    """The names that a file defines, and its own, with their lines."""
    yield path.stem, 0
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not node.name.startswith("test_"):  # a sentence
                    yield node.name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def found(path: Path) -> Iterator[tuple[str, str]]:
    """(word, where) of the forbidden words in a file's names."""
    pattern = re.compile(rf"_({'|'.join(sorted(forbidden()))})(?=_)")
    for name, line in names(path):
        for word in pattern.findall(words(name)):
            yield word, f"{path.relative_to(ROOT)}:{line}: {name}"


def test_the_page_forbids_words_and_its_own_words_are_not_among_them() -> None:
    table = {row["word"].strip() for row in _ROW.finditer((ROOT / "docs/glossary.md").read_text())}
    assert len(table) > 40
    assert len(forbidden()) > 15
    assert not table & forbidden()


@pytest.mark.parametrize(
    ("name", "expected"), [("ToldApart", "_told_apart_"), ("_said", "_said_"), ("NEWS2", "_news2_"), ("unfold", "_unfold_")]
)
def test_a_name_is_taken_apart_into_its_words(name: str, expected: str) -> None:
    assert words(name) == expected


def test_no_name_uses_a_word_that_the_glossary_replaces() -> None:
    wrong = []
    for path in SOURCES:
        wrong += [f"{where} ({word})" for word, where in found(path)]
    assert not wrong, "\n".join(["docs/glossary.md has other words for:", *wrong])


def test_no_docstring_opens_without_its_subject() -> None:
    opening = re.compile(r"^(Of|What|Whether|So|Who|How)\b")
    wrong = []
    for path in SOURCES:
        if path.is_relative_to(ROOT / "tests"):
            continue  # there a name says what a test shows
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
                continue
            text = node.value.value
            if isinstance(text, str) and opening.match(text):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text[:60]}")
    assert not wrong, "\n".join(["say who or what does it, first:", *wrong])

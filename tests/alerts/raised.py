"""The rules that the code can raise, read from the code: every call that makes a condition, followed to its name.

A call whose rule cannot be told is an error, so that a new kind cannot slip past.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from alerts.rules.parameters import parameter_of
from devices.vitals import VITALS

ROOT = Path(__file__).parents[2]
ROOMS = ("streams", "alerts", "deploy")
Function = ast.FunctionDef | ast.AsyncFunctionDef
PARAMETERS = tuple(sorted({int(parameter_of(vital)) for vital in VITALS}))
RANGES = {
    "vital": tuple(map(int, VITALS)),
    "side": (0, 1),
    "kind": tuple(range(7)),
    "parameter": PARAMETERS,
    "figure": (0, 1, 2),
    "window": tuple(range(5)),
    "score": tuple(range(4)),
    "combination": ("sepsis",),
}
"""The arguments of the functions that make names, by parameter."""


_KEYWORD = 1 << 10


@dataclass(frozen=True)
class Made:
    """A call that makes a condition: where, within which function, and the expression of its rule."""

    path: Path
    line: int
    inside: Function | None
    rule: ast.expr | None


def raised() -> set[str]:
    """Every rule that a condition can have."""
    trees = {path: ast.parse(path.read_text()) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
    rules: set[str] = set()
    makers: list[tuple[str, int, Path | None]] = [("Condition", 3, None)]
    done: set[tuple[str, int, Path | None]] = set()
    while makers:
        name, place, only = makers.pop()
        if (name, place, only) in done:
            continue
        done.add((name, place, only))
        for made in _calls(trees, name, place, only):
            parameter = _parameter(made)
            if parameter is None:
                rules |= _named(made)
            elif made.inside is not None:
                # a private function is called in its own file alone
                home = made.path if made.inside.name.startswith("_") else None
                makers.append((made.inside.name, parameter, home))
    return rules


def _calls(trees: dict[Path, ast.Module], name: str, place: int, only: Path | None) -> Iterator[Made]:
    for path, tree in trees.items():
        if only in (None, path):
            yield from _within(path, tree, None, name, place)


def _within(path: Path, node: ast.AST, inside: Function | None, name: str, place: int) -> Iterator[Made]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and _called(child) == name and not _ends(child):
            given = {word.arg: word.value for word in child.keywords}
            positional = child.args[place] if len(child.args) > place else None
            if "rule" in given or positional or None not in given:  # else it passes on what its callers are found to give
                rule = given.get("rule", positional)
                yield Made(path, child.lineno, inside, rule)
        within = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else inside
        yield from _within(path, child, within, name, place)


def _called(call: ast.Call) -> str:
    """The function, or the method of its own object, that a call names."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
    return ""


def _ends(call: ast.Call) -> bool:
    """True if the call makes a condition that only ends another one."""
    return any(isinstance(given, ast.Constant) and given.value == "end" for given in call.args)


def _parameter(made: Made) -> int | None:
    """The position of the rule among the parameters of its function, if it is one; a large number for a keyword."""
    if made.inside is None or not isinstance(made.rule, ast.Name):
        return None
    if made.rule.id in [one.arg for one in made.inside.args.kwonlyargs]:
        return _KEYWORD
    names = [one.arg for one in made.inside.args.args]
    return names.index(made.rule.id) if made.rule.id in names else None


def _named(made: Made) -> set[str]:
    module = _module(made.path)
    match made.rule:
        case ast.Constant(value=str(rule)):
            return {rule}
        case ast.Name(id=name) if isinstance(getattr(module, name, None), str):
            return {getattr(module, name)}
        case ast.Attribute(value=ast.Name(id="self"), attr=name):  # of the class, or of those made of it
            return {str(getattr(one, name)) for one in _subclasses(module) if hasattr(one, name)}
        case ast.Call(func=ast.Name(id=name)):
            make = getattr(module, name)
            values = [RANGES[parameter] for parameter in inspect.signature(make).parameters]
            return {make(*one) for one in itertools.product(*values)}
    where = f"{made.path.relative_to(ROOT)}:{made.line}"
    raise AssertionError(f"{where}: it cannot be told which rule this condition has: name it by a constant or a function")


def _subclasses(module: ModuleType) -> set[type]:
    """The classes that a module defines, and all that are derived from them in the program."""
    importlib.import_module("alerts.rules.stages")  # the rules of the program
    found = {one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__}
    rest: list[type[object]] = list(found)
    while rest:
        rest += (more := [each for each in rest.pop().__subclasses__() if each.__module__.partition(".")[0] in ROOMS])
        found.update(more)
    return found


def _module(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))

"""``list`` and ``show``: the same two commands for patients, people, teams, gateways and devices."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from deploy.acting import AsJson, transaction
from deploy.printed import print_record, print_table

if TYPE_CHECKING:
    from alerts.database import Tx

Records = Callable[["Tx", bytes], list[dict[str, Any]]]
_REGISTERS = "alerts.care.registers"  # imported when it is asked: a gateway has none of the server's packages


def add_list(app: typer.Typer, kind: str, what: str, add: str) -> None:
    """Add ``list`` to the commands of ``kind``; ``what`` is its help, ``add`` the command that adds the first one."""

    def show_all(as_json: AsJson = False) -> None:
        print_all(import_module(_REGISTERS).EVERY[kind], kind, add, as_json=as_json)

    app.command("list", help=f"{what}\n\nExample: vigil {kind} list")(show_all)


def print_all(records: Records, kind: str, add: str, *, as_json: bool) -> None:
    """Print the records of a kind, or how to add the first one."""
    with transaction() as (tx, master):
        found = records(tx, master)
    print_table(found, as_json=as_json, empty=f"There is no such {kind}: add one with {add}.")


def add_show(
    app: typer.Typer, kind: str, what: str, argument: object, example: str, number: Callable[[Tx, Any], int] | None = None
) -> None:
    """Add ``show`` to the commands of ``kind``; ``argument`` is the annotation of its key, ``number`` finds the record's."""

    def show(key: Any, as_json: AsJson = False) -> None:
        with transaction() as (tx, master):
            record = import_module(_REGISTERS).ONE[kind](tx, master, number(tx, key) if number else key)
        print_record(record, as_json=as_json)

    show.__annotations__["key"] = argument
    app.command("show", help=f"{what}\n\nExample: vigil {kind} show {example}")(show)

"""Records on the terminal: as a table or a list for people, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

Record = Mapping[str, object]


def print_table(records: Sequence[Record], *, as_json: bool, empty: str) -> None:
    """Print records of the same fields; ``empty`` is the sentence where there is none."""
    if as_json:
        print(_json(records))
        return
    if not records:
        print(empty)
        return
    table = Table(*(name.replace("_", " ") for name in records[0]), box=None, pad_edge=False)
    for record in records:
        table.add_row(*(Text(_words(value)) for value in record.values()))  # as Text: a name is no markup
    console = Console()
    console.width = console.width if console.is_terminal else 1000  # a pipe has no edge
    console.print(table, highlight=False)


def print_record(record: Record, *, as_json: bool) -> None:
    """Print one record, a field a line; a list of records below its name."""
    if as_json:
        print(_json(record))
        return
    for name, value in record.items():
        title = name.replace("_", " ")
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            print(f"{title}:")
            for one in value:
                print("  " + ", ".join(f"{key.replace('_', ' ')} {_words(part)}" for key, part in one.items()))
        else:
            print(f"{title}: {_words(value)}")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _words(value: object) -> str:
    match value:
        case None:
            return "not known"
        case True | False:
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case list() | tuple():
            return ", ".join(_words(one) for one in value) or "none"
        case _:
            return str(value)

"""Numbers on the command line are plain digits: 1_2 would be patient 12."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from alerts.life.typed_number import decimal_number, whole_number

_READ: Final[dict[str, Callable[[str], float | None]]] = {"int": whole_number, "float": decimal_number}


def take_plain_numbers(command: Any) -> Any:
    """The same command, whose numbers, and those of all its subcommands, may be written in plain digits alone."""
    for parameter in command.params:
        kind = parameter.bare_type().removeprefix("list[").removesuffix("]")
        if kind in _READ:
            parameter.process_value = _checked(parameter, _READ[kind], parameter.process_value)
    for one in getattr(command, "commands", {}).values():
        take_plain_numbers(one)
    return command


def _checked(parameter: Any, read: Callable[[str], float | None], process: Any) -> Any:
    def process_value(context: Any, value: Any) -> Any:
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and read(text.strip()) is None:
                raise typer.BadParameter(f"{text!r} is no plain number.", param=parameter, ctx=context)
        return process(context, value)

    return process_value

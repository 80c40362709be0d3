"""``vigil mapping``: tries what a mapping makes of a foreign device's message."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.acting import AsJson
from deploy.commands.mqtt import read, records
from deploy.printed import print_record
from devices.mqtt.mapping import MappingError, apply_mapping, parse_mapping, read_message

app = typer.Typer(no_args_is_help=True)


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="mapping")


@app.callback()
def mapping() -> None:
    """Try a mapping, which says in TOML what a foreign MQTT device's messages mean (docs/mqtt.md)."""


@app.command("try")
def try_out(
    file: Annotated[Path, typer.Argument(help="the mapping, a TOML file", show_default=False)],
    topic: Annotated[
        str | None, typer.Option(help="the topic of the message; names the device where the mapping says so")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a mapping makes of the message on standard input: the device, its values, its time.

    Example: vigil mapping try docs/mqtt/zigbee2mqtt.toml --topic zigbee2mqtt/scale < message.json
    """
    try:
        found = parse_mapping(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise MappingError(f"{file} is no text: write the mapping in TOML as UTF-8.") from None
    message = read_message(read(None))
    device = found.address_of(topic, message) if topic is not None else None
    if topic is not None and device is None:
        raise MappingError(f"The topic {topic} is not one of {found.filter}, or the message names no device.")
    decoded = apply_mapping(found, message, time.time_ns() // 1_000_000)
    print_record({"mapping": found.name, "device": device, "readings": records(decoded, 0)}, as_json=as_json)

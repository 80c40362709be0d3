"""``vigil mqtt``: what an MQTT device's message means to the gateway."""

from __future__ import annotations

import sys
import time
import zlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from deploy.acting import AsJson
from deploy.printed import print_record
from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.mqtt.envelope import decode_envelope, seq_of
from devices.mqtt.senml import decode_senml, is_senml
from devices.sample import Status
from devices.vitals import VITALS, Vital

app = typer.Typer(no_args_is_help=True)
Message = Annotated[Path | None, typer.Argument(help="a file with one message; without it from standard input")]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="mqtt")


@app.callback()
def mqtt() -> None:
    """Check what an MQTT device's messages mean to the gateway; docs/mqtt.md says what a device sends."""


@app.command()
def check(message: Message = None, as_json: AsJson = False) -> None:
    """Say what the gateway makes of one message: Vigil's envelope, or SenML as JSON or CBOR.  Status 1 if it refuses a part.

    Example: vigil mqtt check message.json
    """
    payload = read(message)
    now = time.time_ns() // 1_000_000
    try:
        found = decode_senml(payload, now) if is_senml(payload) else decode_envelope(payload, now)
    except UndecodableError as error:
        seq = zlib.crc32(payload) if is_senml(payload) else seq_of(payload)
        print_record({"ack": seq, "refused": [{"reading": "all", "reason": error.reason}]}, as_json=as_json)
        raise typer.Exit(1) from None
    readings = [record for place, one in enumerate(found.readings) for record in records(one, place)]
    refused = [{"reading": one.reading, "reason": one.reason} for one in found.refused]
    print_record({"ack": found.seq, "readings": readings, "refused": refused}, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def read(path: Path | None) -> bytes:
    """The bytes of a file, or of standard input."""
    return sys.stdin.buffer.read() if path is None else path.read_bytes()


def records(decoded: Decoded, place: int) -> list[dict[str, object]]:
    """The samples of a reading for people and programs; a reading without samples is one record."""
    about: dict[str, object] = {"reading": place, "at": decoded.device_time, "battery": decoded.battery}
    if not len(decoded.samples):
        return [about]
    return [
        about
        | {
            "vital": VITALS[Vital(int(one["vital"]))].column,
            "value": None if np.isnan(one["value"]) else float(str(one["value"])),
            "unit": VITALS[Vital(int(one["vital"]))].unit,
            "status": Status(int(one["status"])).name.lower(),
        }
        for one in decoded.samples
    ]

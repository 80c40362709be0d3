"""The mappings of foreign MQTT devices that this gateway knows: files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from devices.errors import UndecodableError
from devices.mqtt.mapping import Mapping, MappingError, parse_mapping, read_message

_log: Final = structlog.get_logger(__name__)


def read_mappings(folder: Path | None) -> tuple[Mapping, ...]:
    """The mappings in the ``*.toml`` of ``folder``, by name of the file; a bad one is named in the log and left out."""
    found = []
    for path in sorted(folder.glob("*.toml")) if folder is not None else ():
        try:
            found.append(parse_mapping(path.read_text(encoding="utf-8")))
        except (MappingError, OSError, UnicodeDecodeError) as error:
            _log.error("a mapping is left out", file=path.name, reason=str(error))
    return tuple(found)


def mapped(mappings: Sequence[Mapping], topic: str, payload: bytes) -> list[tuple[Mapping, str, Any]]:
    """(mapping, address, message) for each mapping that knows ``topic``."""
    try:
        message = read_message(payload)
    except UndecodableError:
        return []
    found = ((one, one.address_of(topic, message)) for one in mappings)
    return [(one, address, message) for one, address in found if address is not None]

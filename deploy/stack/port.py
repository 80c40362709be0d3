"""Free TCP ports on 127.0.0.1 that stay the same from one start to the next."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Sequence
from pathlib import Path

from deploy.stack.errors import StackError

_TRIES = 1000


def is_free(port: int) -> bool:
    """Return whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def listening(port: int) -> bool:
    """Return whether a program accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A free TCP port *below* the ephemeral range.

    A port out of bind(0) can be taken by any outgoing connection while its server restarts; worse, a client that
    retries a dead loopback port of that range can connect to itself and so block the server for good.
    """
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(_TRIES):
        port = random.randrange(max(low - 12000, 1024), max(low, 2048))
        if is_free(port):
            return port
    raise StackError("No free TCP port was found on 127.0.0.1: end other servers and start again.")


def kept_ports(file: Path, names: Sequence[str]) -> dict[str, int]:
    """A port for each name: the one written down in `file` where it is free, else a new one, written down."""
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    ports: dict[str, int] = {}
    for name in names:
        port = known.get(name) if isinstance(known, dict) else None
        while not isinstance(port, int) or port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports))
    return ports

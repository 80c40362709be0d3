"""The port that a program is told to listen on: taken, closed to us, or free."""

from __future__ import annotations

import socket

from deploy.errors import DeployError


def check_port(host: str, port: int, setting: str) -> None:
    """Check that a server can listen on ``host``:``port``, which ``setting`` names; 0 is no port, and all is well.

    Raises:
        DeployError: it cannot.
    """
    if not port:
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise DeployError(
            f"Nothing can listen on {host}:{port} ({error.strerror}): set {setting} to another port, or end what uses it."
        ) from None

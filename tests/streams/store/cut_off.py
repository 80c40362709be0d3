"""A database whose host vanishes, in a network of its own: python -m tests.streams.store.cut_off FOLDER

Packets are dropped without a word while the loopback is down.  Prints the seconds after which a session gave up, and the
seconds after which the server had let go of the locks of a session that never came back.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import psycopg

from deploy.stack.postgres import Postgres
from streams.store.session import Session, until_done

_GET, _SET, _UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


def loopback(*, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name, flags = struct.unpack_from("16sH", fcntl.ioctl(any_socket, _GET, struct.pack("16sH14x", b"lo", 0)))
        flags = flags | _UP if up else flags & ~_UP
        fcntl.ioctl(any_socket, _SET, struct.pack("16sH14x", name, flags))


def main(folder: Path) -> None:
    loopback(up=True)
    with Postgres(folder) as server:
        session = Session(server.url)
        session.connection().execute("CREATE TABLE t AS SELECT 1")
        holder = Session(server.url)
        holder.connection().execute("BEGIN; LOCK TABLE t")
        began = time.monotonic()
        loopback(up=False)
        try:
            session.connection().execute("SELECT 1")
        except psycopg.OperationalError:
            gave_up = time.monotonic() - began
        time.sleep(max(0.0, 14 - gave_up))
        loopback(up=True)
        until_done(lambda: session.connection().execute("SET lock_timeout = '5s'; SELECT * FROM t"), threading.Event())
        print(gave_up, time.monotonic() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

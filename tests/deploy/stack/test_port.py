from __future__ import annotations

import socket
from pathlib import Path

from deploy.stack.port import free_port, is_free, kept_ports, listening


def test_ports_are_below_the_range_of_outgoing_connections() -> None:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 <= free_port() < max(low, 2048) for _ in range(50))


def test_a_port_is_kept_until_somebody_else_has_it(home: Path) -> None:
    file = home / "ports.json"
    first = kept_ports(file, ["a", "b"])
    assert first["a"] != first["b"]
    assert kept_ports(file, ["a", "b"]) == first
    with socket.create_server(("127.0.0.1", first["a"])):
        assert listening(first["a"])
        assert not is_free(first["a"])
        second = kept_ports(file, ["a", "b"])
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_a_damaged_file_gives_new_ports(home: Path) -> None:
    file = home / "ports.json"
    for text in ("", "[]", '{"a": "x"}', '{"a": 99999999}', "\x00"):
        file.write_text(text)
        assert 1024 <= kept_ports(file, ["a"])["a"] < 65536

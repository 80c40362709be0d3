"""An MQTT 5 broker as a child process: Mosquitto of the system, or rumqttd of the wheel iotcore."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deploy.stack.errors import ProgramMissingError
from deploy.stack.port import kept_ports, listening
from deploy.stack.server import SingleServer

# It acknowledges before it saves: kill -9 costs up to a second of acknowledged messages, which the application's own
# acknowledgement covers.  Saving at every change would cost none, but writes the whole database for each message.
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {home}/users
acl_file {home}/acl
persistence true
persistence_location {home}/
autosave_interval 1
max_queued_messages 0
max_inflight_messages 200
persistent_client_expiration 7d
log_dest stderr
log_type error
log_type warning
"""
# %u is the user's name: a device writes below dev/<its name>/ and reads what is sent to it, nothing else
_ACL = """\
user {reader}
topic read dev/#
topic write cmd/#
pattern write dev/%u/#
pattern read cmd/%u/#
"""
_RUMQTTD = """\
id = 0
[router]
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 16777216
max_inflight_count = 200
[v5.1.connections.auth]
"""


class MqttBroker(SingleServer):
    """`users`: name to password, alphanumeric with - and _.  The first reads every device's topics (a gateway)."""

    log, death_signal = "broker.log", "TERM"

    def __init__(self, home: Path, users: Mapping[str, str]) -> None:
        for text in (*users, *users.values()):
            if not text or not text.replace("-", "").replace("_", "").isalnum():
                raise ValueError("names and passwords of MQTT users are letters, digits, - and _ only")
        super().__init__(home)
        self.users = dict(users)
        self.port = kept_ports(self.home / "ports.json", ["mqtt"])["mqtt"]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def healthy(self) -> bool:
        return self.running and listening(self.port)

    def _write_secret(self, name: str, text: str) -> Path:
        file = self.home / name
        file.touch(mode=0o600)
        file.write_text(text)
        return file


class Mosquitto(MqttBroker):
    """Eclipse Mosquitto 2: rights per device, sessions on disk.  `acl` replaces the default rights."""

    name = "Mosquitto"

    def __init__(self, home: Path, users: Mapping[str, str], *, acl: str | None = None) -> None:
        super().__init__(home, users)
        self._acl = acl if acl is not None else _ACL.format(reader=next(iter(users)))

    @staticmethod
    def program() -> str | None:
        """The program, also where an ordinary user's PATH does not lead; None when it is not installed."""
        return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")

    def version(self) -> str:
        # no option prints the version alone: the help begins with it, and ends with status 3
        done = subprocess.run([self._program(), "-h"], capture_output=True, text=True, check=False, timeout=10)
        return done.stdout.split("\n")[0].split()[-1]

    def _program(self) -> str:
        if program := self.program():
            return program
        raise ProgramMissingError("mosquitto", "install the package mosquitto")

    def _command(self) -> Sequence[str | Path]:
        # as root it would become the user mosquitto, who may not read the files here
        owner = "user root\n" if os.geteuid() == 0 else ""
        self._write_secret("users", "".join(f"{name}:{_hashed(word)}\n" for name, word in self.users.items()))
        self._write_secret("acl", self._acl)
        settings = self._write_secret("mosquitto.conf", _MOSQUITTO.format(port=self.port, home=self.home) + owner)
        return [self._program(), "-c", settings]


class Rumqttd(MqttBroker):
    """rumqttd: nothing to install, but no rights per device and nothing on disk; the gateway itself checks topics."""

    name = "rumqttd"

    def version(self) -> str:
        return f"iotcore {version('iotcore')}"

    def _command(self) -> Sequence[str | Path]:
        try:
            version("iotcore")
        except PackageNotFoundError as error:
            raise ProgramMissingError("rumqttd", "install the Python package iotcore") from error
        users = "".join(f'{name} = "{word}"\n' for name, word in self.users.items())
        settings = self._write_secret("rumqttd.toml", _RUMQTTD.format(port=self.port) + users)
        return [sys.executable, "-m", "iotcore", "--config", settings, "--log-level", "CRITICAL"]


def _hashed(password: str) -> str:
    """A password as mosquitto_passwd writes it: PBKDF2-SHA512, 101 rounds."""
    salt = secrets.token_bytes(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"

"""A D-Bus system bus of our own, for a fake BlueZ: unmodified bleak takes it for the machine's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.stack.errors import ProgramMissingError
from deploy.stack.server import SingleServer

_LONGEST_SOCKET = 107  # bytes of a Unix socket's path

_SETTINGS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_connections_per_user">4096</limit>
  <limit name="max_completed_connections">4096</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
</busconfig>
"""


class Dbus(SingleServer):
    """A dbus-daemon of our own.  Who shall use it gets `environment`, before bleak or dbus-fast is first used."""

    name, log, start_s = "D-Bus", "bus.log", 10

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._socket = self.home / "bus"
        self._short: Path | None = None
        if len(os.fsencode(self._socket)) > _LONGEST_SOCKET:
            self._short = Path(tempfile.mkdtemp(prefix="vigil-bus-"))
            self._socket = self._short / "bus"

    @property
    def address(self) -> str:
        return f"unix:path={self._socket}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which a process takes this for the machine's system bus."""
        return {"DBUS_SYSTEM_BUS_ADDRESS": self.address}

    def healthy(self) -> bool:
        """Return whether it accepts a connection now; the socket's file is there a moment earlier."""
        if not self.running:
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            return probe.connect_ex(str(self._socket)) == 0

    def stop(self) -> None:
        super().stop()
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)

    def version(self) -> str:
        done = subprocess.run(["dbus-daemon", "--version"], capture_output=True, text=True, check=False, timeout=10)
        return done.stdout.split("\n")[0].split()[-1]

    def _command(self) -> Sequence[str | Path]:
        program = shutil.which("dbus-daemon")
        if not program:
            raise ProgramMissingError("dbus-daemon", "simulated Bluetooth sensors need it, install the package dbus-daemon")
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)  # kill -9 leaves it behind
        settings = self.home / "bus.conf"
        settings.write_text(_SETTINGS.format(socket=self._socket))
        return [program, f"--config-file={settings}", "--nofork", "--nopidfile"]

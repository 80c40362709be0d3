"""A port that is taken is one sentence, of every program that listens."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from deploy.cli import main

_SETTINGS = {
    "worker": ("VIGIL_WORKER_METRICS_PORT", ["worker"]),
    "desk": ("VIGIL_DESK_PORT", ["desk"]),
    "gateway": ("VIGIL_GATEWAY_METRICS_PORT", ["gateway"]),
}


@pytest.mark.parametrize("program", _SETTINGS)
def test_a_taken_port_is_said_with_the_setting_to_change(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting, words = _SETTINGS[program]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name, value in {
            setting: str(port),
            "VIGIL_DATABASE": "postgresql://nobody@127.0.0.1:1/none",
            "VIGIL_KAFKA": "127.0.0.1:9",
            "VIGIL_MASTER_KEY_FILE": str(tmp_path / "key"),
            "VIGIL_GATEWAY_STATE": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["vigil", *words])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 1
    errors = capsys.readouterr().err
    assert f"Nothing can listen on 127.0.0.1:{port} (Address already in use): set {setting} to another port" in errors
    assert "Traceback" not in errors

"""A gateway as ``pip install vigil-rpm[gateway]`` makes it: a wheel, the packages of its role as locked, and no others."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from alerts.care.gateways import new_claim
from deploy.stack.cache import cache_folder
from tests.alerts.desk.conftest import Seeded, Served
from tests.deploy.test_roles import closure

ROOT = Path(__file__).parents[4]
UV = ROOT / ".uv/bin/uv"
COMMANDS = (
    "gateway", "gateway doctor", "gateway refused", "pair claim", "mqtt check", "mapping try", "doctor",
)  # fmt: skip
pytestmark = [pytest.mark.full, pytest.mark.skipif(not UV.exists(), reason="could not run: make setup has not made .uv")]


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [str(word) for word in words]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env=kept | environment, timeout=120, check=False)


def made(*words: str | Path) -> None:
    done = run(*words, UV_SYSTEM_CERTS="1")
    assert done.returncode == 0, done.stderr


def test_every_command_of_a_gateway_works_with_the_packages_of_its_role(
    served: Served, seeded: Seeded, tmp_path: Path
) -> None:
    venv = cache_folder() / "installed-gateway"
    made(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT)
    made(UV, "venv", "--quiet", "--clear", venv)
    lock = tmp_path / "requirements.lock"
    wanted, of_role = closure("gateway"), False
    with lock.open("w") as file:
        for line in (ROOT / "requirements.lock").read_text().splitlines(keepends=True):
            if line[:1].isalnum():
                of_role = re.split(r"[=@ ;\[]", line, maxsplit=1)[0].lower().replace("_", "-") in wanted
            file.write(line if of_role else "")
    python = venv / "bin/python"
    made(UV, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", lock)
    made(UV, "pip", "install", "--quiet", "--no-deps", "--python", python, *tmp_path.glob("*.whl"))
    there = run(python, "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))").stdout.split()
    assert not {"faust-streaming", "aiokafka", "psycopg", "scipy", "starlette", "uvicorn", "jinja2"} & set(there)
    vigil = venv / "bin/vigil"
    for words in COMMANDS:
        done = run(vigil, *words.split(), "--help")
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (words, done.stderr)
        assert "Example" in done.stdout, words
    with seeded.tx() as tx:
        code = new_claim(tx, seeded.ward.gateways[0])
    state = {"VIGIL_GATEWAY_STATE": str(tmp_path / "state")}
    done = run(vigil, "pair", "claim", code, "--desk", served.url, **state)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "state/credential").exists()
    again = run(vigil, "pair", "claim", code, "--desk", served.url, **state)
    assert again.returncode == 1
    assert "ask for a new one" in again.stderr
    found = run(vigil, "gateway", "doctor", **state)
    assert "Traceback" not in found.stderr, found.stderr
    assert f"The desk {served.url} answers" in found.stdout

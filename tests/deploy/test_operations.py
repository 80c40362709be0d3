"""docs/operations.md is followed word by word on servers that are not Vigil's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest

from deploy.stack.kafka import Kafka
from deploy.stack.port import free_port
from deploy.stack.postgres_programs import embedded_programs, server_user
from tests.alerts.notify.test_run import until

PAGE: Final = Path(__file__).parents[2] / "docs/operations.md"
DESK_IN_THE_PAGE: Final = "https://desk.example.org"
SERVES: Final = re.compile(r"(VIGIL_\w+=\S+ )?vigil (worker|desk|notify|gateway)$")


def blocks() -> list[list[str]]:
    """The lines of each block of shell, in the order of the page."""
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)]


class Operator:
    """Somebody who types what the page says, in one folder and one environment."""

    def __init__(self, folder: Path, environment: dict[str, str], desk: str) -> None:
        self._folder, self._environment, self._desk = folder, environment, desk
        self._running: list[tuple[subprocess.Popen[bytes], Path]] = []
        self.code = ""
        self.output = ""

    def follow(self, lines: list[str]) -> None:
        for line in lines:
            typed = line.replace(DESK_IN_THE_PAGE, self._desk).replace("CODE", self.code)
            if SERVES.fullmatch(line):
                self._start(typed)
            else:
                self._type(typed)

    def _type(self, line: str) -> None:
        done = subprocess.run(
            ["bash", "-ec", line], cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, f"{line}\n{self.output}{self.logs()}"
        if found := re.search(r"claim code (\S+)", done.stdout):
            self.code = found[1]

    def _start(self, line: str) -> None:
        log = self._folder / f"{len(self._running)}.log"
        with log.open("wb") as file:
            child = subprocess.Popen(
                ["bash", "-c", f"exec env {line}"], cwd=self._folder, env=self._environment, stderr=file
            )
        self._running.append((child, log))

    def stop(self) -> None:
        for child, _ in reversed(self._running):
            child.terminate()
        for child, _ in self._running:
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._running.clear()

    def logs(self) -> str:
        return "".join(f"\n--- {log.name} ({child.poll()})\n{log.read_text()[-1500:]}" for child, log in self._running)


@contextmanager
def operator(folder: Path, environment: dict[str, str], desk: str) -> Iterator[Operator]:
    with ExitStack() as last:
        one = Operator(folder, environment, desk)
        last.callback(one.stop)
        yield one


@pytest.mark.timeout(400)
def test_the_page_is_followed_from_an_empty_database_to_a_restore(plain_database: str, kafka: Kafka, home: Path) -> None:
    topic, port = f"t-{os.urandom(6).hex()}", free_port()
    desk = f"http://127.0.0.1:{port}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment = clean | {
        "PATH": f"{Path(sys.executable).parent}:{embedded_programs(server_user())}:{os.environ['PATH']}",
        "VIGIL_DATABASE": plain_database,
        "VIGIL_KAFKA": kafka.bootstrap,
        "VIGIL_TOPIC": topic,
        "VIGIL_MASTER_KEY_FILE": "master.key",
        "VIGIL_PASSWORD": "correct horse battery",
        "VIGIL_DESK_PORT": str(port),
        "VIGIL_DESK_PUBLIC_URL": desk,
        "VIGIL_NOTIFY_WEBHOOK_URL": "http://127.0.0.1:1/page",
        "VIGIL_GATEWAY_STATE": str(home / "gateway"),
        "VIGIL_GATEWAY_CLOCK": "assumed",  # a container has no time service: the doctor would name it, rightly
    }
    made, programs, people, in_the_home, look, dump, restore = blocks()

    def serves() -> bool:
        with psycopg.connect(plain_database) as db:
            row = db.execute(
                "SELECT count(*) FROM ledger WHERE topic = %s AND last_append > now() - interval '20 s'", [topic]
            ).fetchone()
        try:
            return row == (64,) and httpx.get(f"{desk}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    with operator(home, environment, desk) as somebody:
        somebody.follow(made)
        assert "already" in somebody_is_refused(environment, home, "vigil topic create")
        somebody.follow(programs)
        until(serves, 150)
        somebody.follow(people)
        somebody.follow(in_the_home)
        until((home / "gateway/config.json").exists, 60)
        somebody.follow(look)  # it ends with status 0: nothing is wrong
        assert "is told by webhook" in somebody.output
        somebody.follow(dump)
        somebody.stop()
        somebody.follow(restore)
        assert "go to the log again" in somebody.output
        somebody.follow(programs)
        until(serves, 150)
        somebody.follow(look)
    kafka.delete(topic)


def somebody_is_refused(environment: dict[str, str], folder: Path, line: str) -> str:
    done = subprocess.run(
        ["bash", "-ec", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr

"""A seeded ward a test, a desk served on a port of its own, and hands on a browser."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import psycopg
import pytest
import uvicorn
from playwright.async_api import Browser, Page

from alerts.desk.app import build
from alerts.desk.settings import DemoSignIn, DeskSettings
from alerts.desk.web.serving import server_config
from deploy.schema.migrate import migrate
from deploy.stack.postgres import Postgres
from tests.alerts.desk.seed import PASSWORD, Ward, beat, seed
from tests.latest import set_latest

MASTER = bytes(range(32))
OUT = Path(__file__).parents[3] / "out"


@dataclass(frozen=True)
class Seeded:
    """A database of one test's own, filled with the ward."""

    url: str
    ward: Ward

    @contextmanager
    def tx(self) -> Iterator[psycopg.Connection]:
        """A connection; what happened on it is committed at the end."""
        with psycopg.connect(self.url) as connection:
            yield connection


@pytest.fixture(scope="session")
def _template(postgres: Postgres) -> Iterator[Seeded]:
    name = f"t_desk_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    url = postgres.url_of(name)
    migrate(url)
    with psycopg.connect(url) as tx:
        ward = seed(tx, MASTER)
    yield Seeded(url, ward)
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def seeded(_template: Seeded, postgres: Postgres) -> Iterator[Seeded]:
    """The ward, a copy for this test."""
    name, of = f"t_{secrets.token_hex(6)}", _template.url.rsplit("/", 1)[1]
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {of}")
    url = postgres.url_of(name)
    with psycopg.connect(url) as tx:  # the newest values are as young as they were when the ward was made
        age = "(SELECT now() - max({0}) FROM latest)"
        set_latest(
            tx,
            "true",
            time=f"time + {age.format('time')} - interval '4 seconds'",
            arrived=f"arrived + {age.format('arrived')}",
        )
        tx.execute("UPDATE alarm SET due = due + (SELECT now() - max(created) FROM control_outbox)")
        beat(tx)
    yield replace(_template, url=url)
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def master_file(tmp_path: Path) -> Path:
    path = tmp_path / "master"
    path.write_bytes(MASTER)
    path.chmod(0o600)
    return path


@pytest.fixture
def settings(seeded: Seeded, master_file: Path) -> DeskSettings:
    return DeskSettings(
        database=seeded.url,
        master_key_file=master_file,
        public_url="http://127.0.0.1",
        demo=True,
        demo_sign_ins=(DemoSignIn(sign_in="m.testova", password=PASSWORD, role="nurse"),),
        sign_in_tries=50,
        watch_path=False,
    )


class Served:
    """uvicorn in a thread, on a free port of 127.0.0.1."""

    def __init__(self, settings: DeskSettings) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.app = build(settings)
        config = server_config(settings, self.app)
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the desk did not start"
            self._thread.join(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def served(settings: DeskSettings) -> Iterator[Served]:
    with Served(settings) as desk:
        yield desk


@pytest.fixture
def living(seeded: Seeded) -> Iterator[None]:
    """Data keep coming while the test runs."""
    stop = threading.Event()

    def run() -> None:
        with psycopg.connect(seeded.url, autocommit=True) as db:
            while not stop.wait(1):
                beat(db)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(5)


Theme = Literal["light", "dark"]
Motion = Literal["no-preference", "reduce"]
OpenDesk = Callable[..., Awaitable[Page]]


@pytest.fixture
async def desk(browser: Browser, served: Served, living: None) -> AsyncIterator[OpenDesk]:
    """``await desk("m.testova", width=390, theme="dark")`` gives a page signed in on the worklist."""
    errors: list[str] = []
    contexts = []

    async def open_desk(
        who: str = "m.testova",
        *,
        width: int = 1440,
        height: int = 900,
        theme: Theme = "light",
        motion: Motion = "no-preference",
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion=motion
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console", lambda m: errors.append(m.text) if m.type == "error" and "Content Security Policy" in m.text else None
        )
        await page.goto(f"{served.url}/sign-in")
        await page.fill("#user", who)
        await page.fill("#pw", PASSWORD)
        await page.click("button[type=submit]")
        await page.wait_for_selector("#table")
        await page.wait_for_load_state()  # a press before the scripts have come does nothing
        return page

    yield open_desk
    for context in contexts:
        await context.close()
    assert not errors, errors

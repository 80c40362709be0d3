"""What a gateway finds out about its own machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.wire.pairing import Claimed
from gateway.desk.configuration import store_credential
from gateway.health import machine
from gateway.health.check import Looks
from gateway.outbox.reading import Refusal
from gateway.outbox.store import Store
from tests.gateway.making import T0, pulse
from tests.gateway.outbox.test_store import done, put


def wrong(looks: Callable[..., Looks], *values: object) -> list[tuple[str, str]]:
    found = list(looks(*values))
    assert all(one.cure for one in found if not one.ok)
    return [(one.part, one.what) for one in found if not one.ok]


def test_a_gateway_that_is_not_claimed_is_told_how(tmp_path: Path) -> None:
    (found,) = machine.claim(tmp_path)
    assert (found.ok, "vigil pair claim CODE --desk URL" in found.cure) == (False, True)
    store_credential(tmp_path, Claimed(5, "x"))
    assert wrong(machine.claim, tmp_path) == []


async def test_a_gateway_that_does_not_run_is_named(tmp_path: Path) -> None:
    from gateway.run import _locked

    assert wrong(machine.process, tmp_path) == [("program", "The gateway does not run")]
    with _locked(tmp_path):
        assert wrong(machine.process, tmp_path) == []
    await asyncio.sleep(0)
    assert wrong(machine.process, tmp_path) == [("program", "The gateway does not run")]


def test_a_disk_too_small_for_the_outbox_is_named(tmp_path: Path) -> None:
    assert wrong(machine.disk, tmp_path, 1 << 20) == []
    ((part, what),) = wrong(machine.disk, tmp_path, 1 << 60)
    assert part == "disk"
    assert "MB left" in what


def test_what_the_outbox_needs_a_person_for_is_named(tmp_path: Path) -> None:
    assert wrong(machine.outbox, tmp_path, 1 << 30) == []
    store = Store(tmp_path / "outbox.sqlite", 1 << 30)
    put(store, pulse(), pulse(at=T0 + 1))
    assert wrong(machine.outbox, tmp_path, 1 << 30) == []
    assert wrong(machine.outbox, tmp_path, 1 << 16)[0][0] == "outbox"
    done(store, store.refuse, Refusal(T0, "mqtt", 7, "no JSON", b"x"))
    done(store, store.held.hold, "A", 2, pulse())
    (tmp_path / "outbox.sqlite.damaged-1").touch()
    parts = [part for part, _ in wrong(machine.outbox, tmp_path, 1 << 30)]
    assert parts == ["refused", "users", "damaged"]
    store.close()
    (tmp_path / "outbox.sqlite").write_bytes(b"rubbish" * 1000)
    assert wrong(machine.outbox, tmp_path, 1 << 30)[0][0] == "outbox"


def test_a_clock_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(machine.clock, "assumed") == []
    for synchronised in (True, False):
        monkeypatch.setattr(machine, "kernel_synchronised", lambda well=synchronised: well)
        assert bool(wrong(machine.clock, "kernel")) is not synchronised

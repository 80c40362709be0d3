"""The whole gateway as a process, against a real broker, Kafka and the fake BlueZ."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.child import Child
from deploy.stack.dbus import Dbus
from deploy.stack.kafka import Kafka
from deploy.stack.mqtt import Mosquitto
from devices.wire.batch import Kind
from devices.wire.event import Fault, Heartbeat
from devices.wire.pairing import Assigned, Claimed
from gateway.desk.configuration import read_desk, store_credential
from gateway.desk.downlink import claim
from gateway.errors import StateInUseError
from gateway.outbox.file import open_file
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from gateway.outbox.vault import open_vault
from gateway.run import run
from gateway.settings import GatewaySettings
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.heart_rate_belt import encode_heart_rate
from tests.gateway.desk_server import Desk
from tests.gateway.kafka_log import Log
from tests.gateway.making import config, pulse
from tests.gateway.outbox.test_salvage import without_cache
from tests.gateway.reading_outbox import events, stored
from tests.gateway.sources.test_ble import belt
from tests.gateway.sources.test_mqtt import Wearable
from tests.until import until

pytestmark = pytest.mark.stack
PROGRAM = """
import asyncio, signal
from gateway.run import run
from gateway.settings import GatewaySettings
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(GatewaySettings(), stop=stop)
asyncio.run(main())
"""


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    started = await Desk().start()
    yield started
    await asyncio.to_thread(started.stop)


def settings(folder: Path, **more: Any) -> GatewaySettings:
    return GatewaySettings(state=folder, ble=False, clock="assumed", **more)


async def test_a_gateway_that_is_not_claimed_says_what_to_do_waits_and_begins(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.run._CLAIM_S", 0.05)
    monkeypatch.delenv("VIGIL_GATEWAY_DESK", raising=False)
    desk.config = config(Assigned(7, 1, 0, "ble", "A"), kafka="127.0.0.1:9", topic="t")
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings(tmp_path), stop=stop))
    await until(lambda: running.done() or "vigil pair claim CODE --desk URL" in capsys.readouterr().out)
    assert not running.done()
    await claim(desk.address, desk.code, tmp_path)
    await until(lambda: running.done() or "configured" in capsys.readouterr().out)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 20)


async def test_a_gateway_that_is_never_claimed_can_be_stopped(tmp_path: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings(tmp_path), stop=stop))
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_two_gateways_do_not_share_a_folder(tmp_path: Path) -> None:
    store_credential(tmp_path, Claimed(5, "x"))
    stop = asyncio.Event()
    first = asyncio.create_task(run(settings(tmp_path, desk="http://127.0.0.1:9"), stop=stop))
    await asyncio.sleep(0.3)
    with pytest.raises(StateInUseError, match="VIGIL_GATEWAY_STATE"):
        await run(settings(tmp_path), stop=asyncio.Event())
    stop.set()
    await asyncio.wait_for(first, 20)


async def test_killed_between_decode_and_uplink_nothing_acknowledged_is_lost_or_doubled(
    dbus: Dbus, mosquitto: Mosquitto, kafka: Kafka, topic: str, desk: Desk, tmp_path: Path
) -> None:
    log = Log(kafka, topic)
    if not mosquitto.healthy():
        mosquitto.start()
    one = belt()
    desk.config = config(
        Assigned(7, 1, 0, "ble", one.address),
        Assigned(8, 2, 0, "mqtt", "device-1"),
        kafka=kafka.bootstrap,
        topic=topic,
        linger_s=0.3,
        heartbeat_s=1.0,
    )
    store_credential(tmp_path, Claimed(5, desk.credential))
    environment = {
        "VIGIL_GATEWAY_STATE": str(tmp_path),
        "VIGIL_GATEWAY_DESK": desk.address,
        "VIGIL_GATEWAY_CLOCK": "assumed",
        "VIGIL_GATEWAY_MQTT_HOST": "127.0.0.1",
        "VIGIL_GATEWAY_MQTT_PORT": str(mosquitto.port),
        "VIGIL_GATEWAY_MQTT_USER": "gateway",
        "VIGIL_GATEWAY_MQTT_PASSWORD": mosquitto.users["gateway"],
    }
    wearable = Wearable(mosquitto, "device-1")
    async with FakeBlueZ(dbus.address) as bluez:
        bluez.add(one)
        unacknowledged: dict[int, bytes] = {}
        sent = 0

        async def wear(seconds: float) -> None:
            """A belt and a wearable that sends again what is not acknowledged."""
            nonlocal sent
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                one.notify(0x2A37, encode_heart_rate(70, contact=True))
                unacknowledged[sent] = wearable.send(sent, 60.0 + sent % 100)
                sent += 1
                for seq in wearable.acknowledged:
                    unacknowledged.pop(seq, None)
                if sent % 20 == 0:
                    for seq, payload in list(unacknowledged.items()):
                        wearable.send(seq, payload=payload)
                await asyncio.sleep(0.02)

        for life in range(2):
            output = tmp_path / f"{life}.log"
            child = Child("gateway", [sys.executable, "-c", PROGRAM], output, env=os.environ | environment)
            known = len(set(wearable.acknowledged))
            until = time.monotonic() + 60
            while len(set(wearable.acknowledged)) < known + 20 or not one.characteristic(0x2A37).notifying:
                assert time.monotonic() < until, output.read_text()
                await wear(0.2)
            await wear(0.5 + 0.11 * life)
            child.send(signal.SIGKILL)
            child.stop()
        child = Child("gateway", [sys.executable, "-c", PROGRAM], tmp_path / "2.log", env=os.environ | environment)
        until = time.monotonic() + 60
        while unacknowledged:
            assert time.monotonic() < until
            await wear(0.0)
            for seq, payload in list(unacknowledged.items()):
                wearable.send(seq, payload=payload)
            await asyncio.sleep(0.5)
            for seq in wearable.acknowledged:
                unacknowledged.pop(seq, None)
        await log.until(lambda: sum(device == 8 for device, _, _ in log.readings()) >= sent, 40)
        child.send(signal.SIGTERM)
        child.stop()
    wearable.close()
    log.poll(1)
    found = log.readings()
    assert all(len(set(copies)) == 1 for copies in found.values())
    mqtt = [copies[0] for (device, _, _), copies in found.items() if device == 8]
    assert len(mqtt) == sent == len(set(mqtt))
    for device in (0, 7, 8):
        sequences = sorted(sequence for number, _, sequence in found if number == device)
        assert sequences == list(range(len(sequences))), device
    beats = [r for r in log.records if r.head["kind"] == Kind.EVENT and isinstance(r.event, Heartbeat)]
    assert {int(r.head["patient"]) for r in beats} == {1, 2}
    assert {int(r.head["device"]) for r in beats} == {0}
    text = "".join((tmp_path / f"{life}.log").read_text() for life in range(3))
    assert "Traceback" not in text
    log.close()


async def test_the_address_of_the_claim_is_kept_and_used(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VIGIL_GATEWAY_DESK", raising=False)
    desk.config = config(Assigned(7, 1, 0, "ble", "A"), kafka="127.0.0.1:9", topic="t")
    await claim(desk.address, desk.code, tmp_path)
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings(tmp_path), stop=stop))
    await until(lambda: "configured" in capsys.readouterr().out)
    assert read_desk(tmp_path / "elsewhere").address == "http://127.0.0.1:8080"  # the desk's own default
    stop.set()
    await asyncio.wait_for(running, 20)


async def test_a_damaged_outbox_is_salvaged_said_and_sent(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without = partial(Outbox, open_store=lambda path, limit: Store(path, limit, without_cache))
    monkeypatch.setattr("gateway.run.Outbox", without)
    store_credential(tmp_path, Claimed(5, desk.credential))
    desk.config = config(Assigned(7, 1, 0, "ble", "A"), kafka="127.0.0.1:9", topic="t")
    path = tmp_path / "outbox.sqlite"
    store = Store(path, 1 << 26)
    store.begin()
    store.put(pulse(at=1_760_000_000_000 + i) for i in range(554))
    store.commit()
    store.close()
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings(tmp_path, desk=desk.address), stop=stop))
    await until(lambda: (tmp_path / "outbox.sqlite.damaged-1").exists() or running.done())
    await until(lambda: any(isinstance(event, Fault) for event in events(tmp_path, 0)) or running.done())
    assert len(stored(tmp_path, 7)) == 554
    assert "554 readings saved, 0 could not be read" in next(e.reason for e in events(tmp_path, 0) if isinstance(e, Fault))
    with path.open("r+b") as file:  # once more, at work
        file.seek(0)
        file.write(b"\xff" * path.stat().st_size)
    await until(lambda: (tmp_path / "outbox.sqlite.damaged-2").exists() or running.done())
    stop.set()
    await asyncio.wait_for(running, 20)
    assert "beginning anew" in capsys.readouterr().out


async def test_a_disk_without_room_at_the_start_or_for_a_salvage_is_waited_for(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.run._AGAIN_S", 0.1)
    store_credential(tmp_path, Claimed(5, desk.credential))
    desk.config = config(Assigned(7, 1, 0, "ble", "A"), kafka="127.0.0.1:9", topic="t")
    path = tmp_path / "outbox.sqlite"
    store = Store(path, 1 << 26, vault=open_vault(tmp_path / "outbox.key"))
    store.begin()
    store.put(pulse(at=1_760_000_000_000 + i) for i in range(554))
    store.commit()
    store.close()
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    full = [True]

    def open_on_a_full_disk(at: Path) -> sqlite3.Connection:
        db = open_file(at)
        try:
            if full:
                db.execute("pragma max_page_count = 12")  # a disk of 48 KB
        except sqlite3.Error:
            db.close()
            raise
        return db

    def opening(at: Path, limit: int) -> Store:
        return Store(at, limit, open_on_a_full_disk, vault=open_vault(tmp_path / "outbox.key"))

    monkeypatch.setattr("gateway.run.Outbox", partial(Outbox, open_store=opening))
    stop = asyncio.Event()
    running = asyncio.create_task(run(settings(tmp_path, desk=desk.address), stop=stop))
    output = ""

    def waited() -> bool:
        nonlocal output
        output += capsys.readouterr().out
        return running.done() or output.count("cannot be opened, trying again") >= 3

    await until(waited)
    assert not running.done()
    assert not any(word in output for word in ("move it", "delete", "throw"))
    full.clear()
    await until(lambda: (tmp_path / "outbox.sqlite.damaged-1").exists() and len(stored(tmp_path, 7)) == 554)
    stop.set()
    await asyncio.wait_for(running, 20)

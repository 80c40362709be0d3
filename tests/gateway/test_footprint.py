"""What a gateway of twenty devices needs: memory, and the time from power-on to the first reading on disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.stack.child import Child
from deploy.stack.mqtt import Mosquitto
from devices.wire.pairing import Assigned, Claimed
from gateway.desk.configuration import store_credential
from tests.gateway.desk_server import Desk
from tests.gateway.making import config
from tests.gateway.reading_outbox import stored
from tests.gateway.sources.test_mqtt import Wearable

pytestmark = [pytest.mark.stack, pytest.mark.full]
DEVICES = 20
SECONDS = 20
_BARE = """
import asyncio, bleak, confluent_kafka
confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:9", "log_level": 0})
print(open("/proc/self/status").read())
"""


def _resident_mb(status: str) -> float:
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _bare_mb() -> float:
    return _resident_mb(subprocess.run([sys.executable, "-c", _BARE], capture_output=True, text=True, check=True).stdout)


async def test_memory_of_twenty_devices_and_the_time_to_the_first_reading(mosquitto: Mosquitto, tmp_path: Path) -> None:
    desk = await Desk().start()
    if not mosquitto.healthy():
        mosquitto.start()
    devices = [Assigned(7 + n, 1 + n, 0, "mqtt", f"device-{n + 1}") for n in range(DEVICES)]
    desk.config = config(*devices, kafka="127.0.0.1:9", topic="t")
    state = tmp_path / "state"
    store_credential(state, Claimed(5, desk.credential))
    environment = {
        "VIGIL_GATEWAY_STATE": str(state),
        "VIGIL_GATEWAY_DESK": desk.address,
        "VIGIL_GATEWAY_CLOCK": "assumed",
        "VIGIL_GATEWAY_BLE": "false",
        "VIGIL_GATEWAY_MQTT_HOST": "127.0.0.1",
        "VIGIL_GATEWAY_MQTT_PORT": str(mosquitto.port),
        "VIGIL_GATEWAY_MQTT_USER": "gateway",
        "VIGIL_GATEWAY_MQTT_PASSWORD": mosquitto.users["gateway"],
    }
    wearable = Wearable(mosquitto, "device-1")
    began = time.monotonic()
    words = [sys.executable, "-m", "deploy.cli", "gateway"]
    child = Child("gateway", words, tmp_path / "log", env=os.environ | environment)
    try:
        sent = 0
        while not wearable.acknowledged:
            assert time.monotonic() < began + 30, (tmp_path / "log").read_text()
            wearable.send(sent := sent + 1)
            await asyncio.sleep(0.05)
        first_s = time.monotonic() - began
        assert stored(state, 7)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:  # as many messages a second as twenty devices send
            for _ in range(DEVICES):
                wearable.send(sent := sent + 1)
            await asyncio.sleep(1)
        status = await asyncio.to_thread(Path(f"/proc/{child.pid}/status").read_text)
    finally:
        await asyncio.to_thread(child.stop)
        wearable.close()
        await asyncio.to_thread(desk.stop)
    ours, theirs = _resident_mb(status), await asyncio.to_thread(_bare_mb)
    print(f"first reading on disk after {first_s:.1f} s; {ours:.0f} MB with {DEVICES} devices, bare {theirs:.0f} MB")
    assert first_s <= 10
    assert ours <= 3 * theirs

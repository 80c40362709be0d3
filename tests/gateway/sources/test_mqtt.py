import asyncio
import contextlib
import gc
import json
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.stack.mqtt import Mosquitto, MqttBroker
from devices.decoded import samples_of
from devices.errors import UndecodableError
from devices.mqtt.envelope import IN_SECONDS, ack_topic, decode_ack, encode_envelope, readings_topic, status_topic
from devices.sample import SAMPLE, Status
from devices.vitals import Vital
from devices.wire.event import Battery, ClockCorrection, Contact, Fault, Link
from devices.wire.pairing import Assigned
from gateway.sources.mappings import read_mappings
from gateway.sources.mqtt import Broker, MqttSource
from tests.gateway.making import config
from tests.gateway.reading_outbox import events, refused, stored, values
from tests.gateway.serving import Parts, serving
from tests.until import until

pytestmark = pytest.mark.stack
AT = 1_760_000_000_000
ONE = Assigned(7, 1, 0, "mqtt", "device-1")
GATEWAY = iter(range(100, 10_000))


class Wearable:
    """A device that publishes and notes what it may forget."""

    def __init__(self, broker: MqttBroker, address: str) -> None:
        self.address = address
        self.acknowledged: list[int] = []
        self.answers: list[dict[str, Any]] = []
        name = f"{address}-{time.time_ns()}"
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.username_pw_set(address, broker.users[address])
        self._client.reconnect_delay_set(1, 1)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def _on_connect(self, *_: object) -> None:
        self._client.subscribe(ack_topic(self.address), qos=1)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.answers.append(json.loads(message.payload))
        with contextlib.suppress(UndecodableError):  # an answer to a message without a sequence
            self.acknowledged.append(decode_ack(bytes(message.payload)))

    def send(
        self,
        seq: int,
        rate: float = 60.0,
        *,
        at: int | None = None,
        topic: str | None = None,
        payload: bytes | None = None,
        **more: Any,
    ) -> bytes:
        at = at or time.time_ns() // 1_000_000
        samples = samples_of([(Vital.HEART_RATE, rate, Status.OK)], at)
        payload = payload or encode_envelope(seq, [(at, samples)], **more)
        self._client.publish(topic or readings_topic(self.address), payload, qos=1)
        return payload

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@asynccontextmanager
async def listening(
    folder: Path, broker: MqttBroker, *devices: Assigned, gateway: int | None = None, limit: int = 1 << 30, **more: Any
) -> AsyncIterator[Parts]:
    address = Broker("127.0.0.1", broker.port, "gateway", broker.users["gateway"])

    def make(parts: Parts) -> MqttSource:
        number = gateway or next(GATEWAY)
        return MqttSource(parts.configuration, parts.outbox, parts.clock, parts.metrics, address, gateway=number, **more)

    async with serving(folder, devices, make, limit=limit) as (parts, task):
        await until(lambda: parts.metric("topics") or task.done())
        yield parts


def rates(folder: Path, device: int = 7) -> list[float]:
    return values(folder, device, Vital.HEART_RATE)


@pytest.fixture
def wearable(mqtt: MqttBroker) -> Iterator[Wearable]:
    opened = Wearable(mqtt, "device-1")
    yield opened
    opened.close()


async def test_a_device_may_forget_what_is_on_disk(mqtt: MqttBroker, wearable: Wearable, tmp_path: Path) -> None:
    async with listening(tmp_path, mqtt, ONE):
        for seq in range(50):
            wearable.send(seq, 60.0 + seq, battery=80, contact=True)
        seen = 0
        while seen < 50:
            await asyncio.sleep(0.01)
            seen = len(wearable.acknowledged)
            assert len(rates(tmp_path)) >= seen
    assert sorted(wearable.acknowledged) == list(range(50))
    assert rates(tmp_path) == [60.0 + seq for seq in range(50)]
    assert [type(event) for event in events(tmp_path, 7)] == [Contact, Battery]


async def test_a_message_sent_again_is_acknowledged_again_and_stored_once(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    async with listening(tmp_path, mqtt, ONE):
        payload = wearable.send(1)
        await until(lambda: wearable.acknowledged == [1])
        wearable.send(1, payload=payload)
        await until(lambda: wearable.acknowledged == [1, 1])
    assert rates(tmp_path) == [60.0]


async def test_only_the_topics_of_assigned_devices_are_taken(mqtt: MqttBroker, wearable: Wearable, tmp_path: Path) -> None:
    other = Wearable(mqtt, "device-2")
    async with listening(tmp_path, mqtt, ONE) as parts:
        other.send(1, 99.0)
        other.send(2, 99.0, topic="dev/device-2/else")
        # As left in the session by an assignment that has ended:
        parts.source._client.subscribe("dev/device-2/readings", qos=1)
        await asyncio.sleep(0.3)
        other.send(3, 99.0)
        wearable.send(1, 60.0)
        await until(lambda: wearable.acknowledged == [1])
        await until(lambda: parts.metric("refused_total", reason="topic"))
    other.close()
    assert other.acknowledged == []
    assert [row[0] for row in stored(tmp_path)] == [7]


async def test_what_cannot_be_decoded_is_kept_aside_and_holds_nothing_up(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with listening(tmp_path, mqtt, ONE):
        wearable.send(0, payload=b"\xff\x00 no json")
        wearable.send(0, payload=b'{"v": 9, "seq": 5, "name": "Somebody"}')
        wearable.send(0, payload=b'{"v": 1, "seq": 6, "readings": [' + b" " * (10 << 20) + b"]}")
        wearable.send(0, payload=b'{"v": 1, "seq": 7, "readings": [{"at": 1, "values": {"Somebody": {"value": 1}}}]}')
        wearable.send(8, 61.0)
        await until(lambda: 8 in wearable.acknowledged)
    assert {5, 7, 8} <= set(wearable.acknowledged)
    reasons = [reason for _, _, reason, _ in refused(tmp_path)]
    assert len(reasons) == 4
    assert any("larger than" in reason for reason in reasons)
    assert rates(tmp_path) == [61.0]
    out = capsys.readouterr().out
    assert "undecodable" in out
    assert "Somebody" not in out


async def test_times_of_1970_and_2100_are_stored_as_said_or_as_unsure(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    async with listening(tmp_path, mqtt, ONE):
        wearable.send(1, at=1000)
        wearable.send(2, at=4_102_444_800_000)
        await until(lambda: wearable.acknowledged == [1, 2])
    old, new = (row[2] for row in stored(tmp_path))
    assert old == 1000
    assert abs(new - time.time() * 1000) < 30_000


async def test_a_restarted_broker_is_subscribed_to_again(mqtt: MqttBroker, wearable: Wearable, tmp_path: Path) -> None:
    async with listening(tmp_path, mqtt, ONE):
        wearable.send(1, 61.0)
        await until(lambda: 1 in wearable.acknowledged)
        mqtt.kill()
        mqtt.start()
        end = time.monotonic() + 20
        while 2 not in wearable.acknowledged:
            assert time.monotonic() < end
            wearable.send(2, 62.0, at=1_760_000_000_000)
            await asyncio.sleep(0.3)
    assert rates(tmp_path) == [61.0, 62.0]


async def test_messages_of_the_time_it_was_away_are_delivered(mosquitto: Mosquitto, tmp_path: Path) -> None:
    if not mosquitto.healthy():
        mosquitto.start()
    gateway = next(GATEWAY)
    async with listening(tmp_path, mosquitto, ONE, gateway=gateway):
        await asyncio.sleep(0.3)
    wearable = Wearable(mosquitto, "device-1")
    for seq in range(3000):  # more than is ever in hand at once
        wearable.send(seq, 60.0 + seq % 100, at=1_760_000_000_000 + seq)
    await until(lambda: not wearable._client._out_messages)
    assert rates(tmp_path) == []
    async with listening(tmp_path, mosquitto, ONE, gateway=gateway) as parts:
        await until(lambda: len(wearable.acknowledged) == 3000, 60)
        assert parts.metric("readings_total", stage="measured") == 3000
    wearable.close()
    assert rates(tmp_path) == [60.0 + seq % 100 for seq in range(3000)]


async def test_a_full_outbox_acknowledges_nothing_until_there_is_room(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    async with listening(tmp_path, mqtt, ONE) as parts:
        parts.store.limit = 1
        for seq in range(100):
            wearable.send(seq, 60.0 + seq)
        await asyncio.sleep(1)
        assert wearable.acknowledged == []
        parts.store.limit = 1 << 30
        await until(lambda: len(set(wearable.acknowledged)) == 100)
    assert sorted(rates(tmp_path)) == [60.0 + seq for seq in range(100)]


async def test_devices_follow_the_configuration(mqtt: MqttBroker, wearable: Wearable, tmp_path: Path) -> None:
    other = Wearable(mqtt, "device-2")
    async with listening(tmp_path, mqtt, ONE) as parts:
        wearable.send(1)
        await until(lambda: wearable.acknowledged == [1])
        parts.configuration.accept(config(Assigned(8, 2, 0, "mqtt", "device-2"), version=2))
        await asyncio.sleep(0.5)
        wearable.send(2)
        other.send(1, 77.0)
        await until(lambda: other.acknowledged == [1])
        await asyncio.sleep(0.3)
        assert parts.metric("topics") == 1
        parts.configuration.accept(config(version=3))
        await until(lambda: parts.metric("topics") == 0)
    other.close()
    assert wearable.acknowledged == [1]
    assert rates(tmp_path, 8) == [77.0]


async def test_an_address_that_would_be_a_wildcard_is_not_listened_to(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    async with listening(tmp_path, mqtt, Assigned(9, 1, 0, "mqtt", "#"), Assigned(10, 1, 0, "mqtt", "+"), ONE) as parts:
        assert parts.metric("topics") == 1
        wearable.send(1)
        await until(lambda: wearable.acknowledged == [1])
    assert [row[0] for row in stored(tmp_path)] == [7]


async def test_what_is_refused_for_good_is_answered_as_refused_and_told_once(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = b'{"v":1,"seq":%d,"at":1796032800,"readings":[]}'.replace(b"1796032800", b"%d" % time.time())
    async with listening(tmp_path, mqtt, ONE):
        for seq in (1, 2):
            wearable.send(0, payload=seconds % seq)
        wearable.send(0, payload=b'{"v":1,"seq":3,"name":"M\xfcller","readings":[')
        wearable.send(0, payload=b"no sequence at all")
        wearable.send(0, payload=b'{"v":1,"seq":5,"readings":[{"at":%d,"values":{"M\xc3\xbcller":{}}}]}' % AT)
        await until(lambda: len(wearable.answers) == 5)
        await until(lambda: len(faults(tmp_path)) == 3)
    assert sorted(answer["ack"] for answer in wearable.answers if answer["ack"] is not None) == [1, 2, 3, 5]
    assert all(answer["refused"] for answer in wearable.answers)
    assert {answer["refused"] for answer in wearable.answers if answer["ack"] in {1, 2}} == {IN_SECONDS}
    assert faults(tmp_path)[0] == ("message", IN_SECONDS)
    assert "ller" not in capsys.readouterr().out + str(faults(tmp_path))


async def test_a_clock_that_is_ahead_is_learned_from_each_message_and_told_once(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    measured = []
    async with listening(tmp_path, mqtt, ONE):
        for seq in range(4):
            now = time.time_ns() // 1_000_000
            measured.append(now - 1000)
            samples = samples_of([(Vital.HEART_RATE, 60.0 + seq, Status.OK)], now)
            wearable.send(seq, payload=encode_envelope(seq, [(now + 44_000, samples)], at=now + 45_000))
            await asyncio.sleep(0.1)
        await until(lambda: len(wearable.acknowledged) == 4)
    rows = [row for row in stored(tmp_path) if row[1] == 1]
    assert all(abs(row[2] - at) < 2000 for row, at in zip(rows, measured, strict=True))
    assert all(status == Status.OK for row in rows for status in np.frombuffer(row[3], SAMPLE)["status"])
    (correction,) = [event for event in events(tmp_path, 7) if isinstance(event, ClockCorrection)]
    assert abs(correction.offset_ms - 45_000) < 2000


def faults(folder: Path) -> list[tuple[str, str]]:
    return [(event.what, event.reason) for event in events(folder, 7) if isinstance(event, Fault)]


async def test_foreign_devices_senml_and_last_wills_come_by_the_same_broker(
    mqtt: MqttBroker, wearable: Wearable, tmp_path: Path
) -> None:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "scale.toml").write_text(
        'name = "scale"\ntopic = "dev/{address}/foreign"\n[[values]]\nvital = "weight"\npath = "kg"\nunit = "kg"\n'
    )
    (folder / "bad.toml").write_text("name =")
    mappings = read_mappings(folder)
    assert [one.name for one in mappings] == ["scale"]
    async with listening(tmp_path, mqtt, ONE, mappings=mappings):
        wearable.send(0, topic=status_topic("device-1"), payload=b"online")
        wearable.send(0, topic="dev/device-1/foreign", payload=b'{"kg": 71.5}')
        wearable.send(0, topic="dev/device-1/foreign", payload=b"{}")
        wearable.send(0, payload=b'[{"n": "spo2", "u": "%", "v": 97, "seq": 41}]')
        wearable.send(0, topic=status_topic("device-1"), payload=b"online")
        wearable.send(0, topic=status_topic("device-1"), payload=b"offline")
        await until(lambda: wearable.acknowledged == [41] and len(events(tmp_path, 7)) == 2)
    assert values(tmp_path, 7, Vital.WEIGHT) == [71.5]
    assert values(tmp_path, 7, Vital.SPO2) == [97]
    assert [event.up for event in events(tmp_path, 7) if isinstance(event, Link)] == [True, False]
    assert [reason for _, _, reason, _ in refused(tmp_path)] == ["mapping: none of the paths of 'scale' leads to a value"]


async def test_a_source_that_has_stopped_is_freed_with_its_socket_and_not_when_the_collector_comes() -> None:
    async def changed(helpers: object) -> None:
        await asyncio.sleep(60)

    configuration: Any = SimpleNamespace(current=None, changed=changed)
    metrics: Any = MagicMock()
    nothing: Any = None
    source = MqttSource(configuration, nothing, nothing, metrics, Broker("127.0.0.1", 1), gateway=1)
    task = asyncio.create_task(source.run())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait({task})
    freed = weakref.ref(source)
    gc.collect()
    gc.disable()
    try:
        del source, task
        assert freed() is None
    finally:
        gc.enable()

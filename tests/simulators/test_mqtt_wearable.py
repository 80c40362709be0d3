"""A wearable on real brokers, with a stand-in for the gateway that acknowledges only when it wants to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.stack.mqtt import MqttBroker
from devices.decoded import samples_of
from devices.mqtt.envelope import ack_topic, address_of, decode_envelope, encode_ack
from devices.sample import Status
from devices.vitals import Vital
from simulators.errors import BrokerRefusedError
from simulators.fleet import Fleet
from simulators.mqtt_wearable import Broker, MqttWearable
from simulators.replay import players, read_folder
from simulators.scenario import Scenario, Sensor
from simulators.wearable_memory import Memory
from simulators.worn import WornSensor


def wait_for(true: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


class Gateway:
    """Takes what devices publish; ``answers`` says whether it acknowledges."""

    def __init__(self, broker: MqttBroker) -> None:
        self.answers = True
        self.values: dict[tuple[str, int, int], float] = {}  # (device, measured, vital)
        self.messages: list[tuple[str, int]] = []
        self.subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gateway", protocol=paho.MQTTv5)
        self.client.username_pw_set("gateway", broker.users["gateway"])
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("dev/+/readings", qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self.received
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self.subscribed.wait(10)

    def received(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        device = address_of(message.topic)
        assert device is not None
        envelope = decode_envelope(bytes(message.payload), 0)
        self.messages.append((device, envelope.seq))
        for one in envelope.readings:
            for sample in one.samples:
                self.values[device, one.device_time or 0, int(sample["vital"])] = float(sample["value"])
        if self.answers:
            client.publish(ack_topic(device), encode_ack(envelope.seq), qos=1)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def gateway(mqtt: MqttBroker) -> Iterator[Gateway]:
    found = Gateway(mqtt)
    yield found
    found.stop()


@pytest.fixture
def wearable(mqtt: MqttBroker) -> Iterator[MqttWearable]:
    found = MqttWearable("device-1", Broker("127.0.0.1", mqtt.port, mqtt.users["device-1"]), linger=0)
    yield found
    found.stop()


def measure(wearable: MqttWearable, at: int) -> None:
    wearable.measure(at, samples_of([(Vital.HEART_RATE, 70, Status.OK)], at))
    wearable.pump()


def test_a_reading_is_forgotten_only_after_the_applications_acknowledgement(
    gateway: Gateway, wearable: MqttWearable
) -> None:
    wearable.start()
    wearable.wait_ready(10)
    gateway.answers = False
    measure(wearable, 1000)
    wait_for(lambda: gateway.messages)
    time.sleep(0.3)  # the broker's PUBACK is here by now
    assert wearable.counts == (1, 0, 0, 1)
    ((device, seq),) = gateway.messages
    gateway.client.publish(ack_topic(device), b"not an acknowledgement", qos=1)
    gateway.client.publish(ack_topic(device), encode_ack(seq + 1), qos=1)
    time.sleep(0.2)
    assert wearable.counts[3] == 1
    gateway.client.publish(ack_topic(device), encode_ack(seq), qos=1)
    wait_for(lambda: wearable.counts == (1, 1, 0, 0))


def test_what_is_measured_without_a_broker_arrives_once_it_is_back(
    mqtt: MqttBroker, gateway: Gateway, wearable: MqttWearable
) -> None:
    wearable.start()
    wearable.wait_ready(10)
    measure(wearable, 1000)
    wait_for(lambda: wearable.counts[1] == 1)
    gateway.subscribed.clear()
    mqtt.kill()
    for second in range(2, 12):
        measure(wearable, second * 1000)
    mqtt.start()
    assert gateway.subscribed.wait(20)

    def all_acknowledged() -> bool:
        wearable.pump()
        return wearable.counts == (11, 11, 0, 0)

    wait_for(all_acknowledged, 30)
    assert sorted(at for _, at, _ in gateway.values) == [second * 1000 for second in range(1, 12)]


def test_a_wrong_password_is_told_with_what_to_do(mqtt: MqttBroker) -> None:
    wearable = MqttWearable("device-1", Broker("127.0.0.1", mqtt.port, "guess"))
    wearable.start()
    try:
        with pytest.raises((BrokerRefusedError, TimeoutError), match=r"check .*password"):
            wearable.wait_ready(1)
        measure(wearable, 1000)
        assert wearable.counts == (1, 0, 0, 1)
    finally:
        wearable.stop()


def test_no_broker_at_all_is_told_too() -> None:
    wearable = MqttWearable("device-1", Broker("127.0.0.1", 1))
    wearable.start()
    try:
        with pytest.raises(TimeoutError, match="see that it runs"):
            wearable.wait_ready(0.3)
    finally:
        wearable.stop()


def test_mosquitto_refusing_a_topic_keeps_the_reading(mosquitto: MqttBroker) -> None:
    """On MQTT 5 a publish without the right to it comes back with a reason: it is not taken for delivered."""
    if not mosquitto.healthy():
        mosquitto.start()
    wearable = MqttWearable("device-2", Broker("127.0.0.1", mosquitto.port, mosquitto.users["device-2"]), linger=0)
    wearable._topic = "dev/device-3/readings"
    wearable.start()
    try:
        wearable.wait_ready(10)
        measure(wearable, 1000)
        wait_for(lambda: wearable.refused)
        assert "authorized" in str(wearable.refused).lower()
        assert wearable.counts == (1, 0, 0, 1)
    finally:
        wearable.stop()


def test_a_fleet_delivers_every_value_of_its_bodies(mqtt: MqttBroker, gateway: Gateway) -> None:
    began = time.time_ns() // 1_000_000 - 20_000
    scenario = Scenario(began, 2, seed=3)
    pairs = []
    for number, (patient, sensor) in enumerate([(0, Sensor.BELT), (0, Sensor.OXIMETER), (1, Sensor.BELT)], start=1):
        address = f"device-{number}"
        source = WornSensor(scenario.wearer(patient), sensor, address, began=began)
        broker = Broker("127.0.0.1", mqtt.port, mqtt.users[address])
        pairs.append((source, MqttWearable(address, broker, memory=Memory(a_message=4), linger=0.2)))
    fleet = Fleet(pairs)
    fleet.start()
    try:
        wait_for(lambda: fleet.counts.acknowledged >= 3 * 20 * 2)
    finally:
        fleet.stop()
    assert fleet.failed is None and fleet.counts.dropped == 0
    for (device, at, vital), value in gateway.values.items():
        patient = 1 if device == "device-3" else 0
        assert value == round(scenario.vitals(patient, at).of(Vital(vital)))


def test_recordings_played_fast_arrive_value_by_value(mqtt: MqttBroker, gateway: Gateway, shared_data: Path) -> None:
    playing = players(read_folder(shared_data / "bidmc", limit=2), began=time.time_ns() // 1_000_000, speed=240)
    pairs = []
    for number, player in enumerate(playing, start=1):
        address = f"device-{number}"
        broker = Broker("127.0.0.1", mqtt.port, mqtt.users[address])
        pairs.append((player, MqttWearable(address, broker, linger=0.2)))
    fleet = Fleet(pairs)
    counts = fleet.run(30)
    assert fleet.failed is None
    expected = {
        (f"device-{number}", int(one["time"]), int(one["vital"])): float(one["value"])
        for number, player in enumerate(playing, start=1)
        for one in player.samples
    }
    assert gateway.values == expected
    assert counts.measured == counts.acknowledged == len(expected) > 3500
    assert counts.dropped == counts.waiting == 0

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.stack.mqtt import Mosquitto, MqttBroker

pytestmark = pytest.mark.stack


class Client:
    """A connected MQTT 5 client; `reason` is the broker's answer, `received` what came."""

    def __init__(self, broker: MqttBroker, user: str, password: str | None = None) -> None:
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{user}-test", protocol=paho.MQTTv5)
        self.paho.username_pw_set(user, password or broker.users[user])
        self.reason = ""
        self.received: list[tuple[str, bytes]] = []
        answered = threading.Event()

        def on_connect(client: object, data: object, flags: object, reason: object, properties: object) -> None:
            self.reason = str(reason)
            answered.set()

        self.paho.on_connect = on_connect
        self.paho.on_disconnect = lambda *_: answered.set()
        self.paho.on_message = lambda *arguments: self.received.append((arguments[2].topic, arguments[2].payload))
        self.paho.connect("127.0.0.1", broker.port)
        self.paho.loop_start()
        assert answered.wait(10)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def eventually(true: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_a_gateway_receives_what_a_device_sends_also_after_a_kill(mqtt: MqttBroker) -> None:
    for round_ in (1, 2):
        gateway, device = Client(mqtt, "gateway"), Client(mqtt, "device-1")
        assert gateway.reason == device.reason == "Success"
        gateway.paho.subscribe("dev/#", qos=1)
        sent = ("dev/device-1/hr", b"%d" % round_)
        again = time.monotonic() + 5
        while sent not in gateway.received and time.monotonic() < again:
            device.paho.publish(*sent, qos=1)
            time.sleep(0.05)
        assert sent in gateway.received
        gateway.close()
        device.close()
        if round_ == 1:
            mqtt.kill()
            assert not mqtt.healthy()
            mqtt.start()


def test_a_wrong_password_is_refused(mqtt: MqttBroker) -> None:
    client = Client(mqtt, "device-1", "guess")
    assert client.reason != "Success"
    client.close()


def test_mosquitto_refuses_a_device_the_topic_of_another(mosquitto: Mosquitto) -> None:
    gateway, device = Client(mosquitto, "gateway"), Client(mosquitto, "device-1")
    reasons: list[str] = []
    device.paho.on_publish = lambda *arguments: reasons.append(str(arguments[3]))
    gateway.paho.subscribe("dev/#", qos=1)
    device.paho.publish("dev/device-2/hr", b"forged", qos=1)
    assert eventually(lambda: bool(reasons))
    device.paho.publish("dev/device-1/hr", b"own", qos=1)
    assert eventually(lambda: bool(gateway.received))
    assert reasons[0] == "Not authorized"
    assert gateway.received == [("dev/device-1/hr", b"own")]
    gateway.close()
    device.close()


def test_a_name_that_would_break_the_settings_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        Mosquitto(home, {'a"\n[x]': "secret"})

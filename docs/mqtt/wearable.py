"""An MQTT wearable in Python (paho-mqtt 2): keeps each message until the gateway has stored it.

python wearable.py HOST ADDRESS PASSWORD
"""

import json
import sys
import threading
import time

import paho.mqtt.client as mqtt


def envelope(seq: int, heart_rate: float) -> bytes:
    """One message with one reading, measured now."""
    now = time.time_ns() // 1_000_000
    values = {"heart_rate": {"value": heart_rate, "unit": "/min"}}
    return json.dumps({"v": 1, "seq": seq, "at": now, "readings": [{"at": now, "values": values}]}).encode()


class Wearable:
    """``waiting`` are the messages not yet acknowledged, by their sequence; a real device keeps them on its flash."""

    def __init__(self, host: str, address: str, password: str, port: int = 1883) -> None:
        self.waiting: dict[int, bytes] = {}
        self._lock, self._address = threading.Lock(), address
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=address)
        self._client.username_pw_set(address, password)
        self._client.will_set(f"dev/{address}/status", "offline", qos=1, retain=True)
        self._client.on_connect = self._connected
        self._client.on_message = self._acknowledged
        self._client.connect(host, port)
        self._client.loop_start()

    def send(self, seq: int, heart_rate: float) -> None:
        """Keep a message and publish it."""
        with self._lock:
            self.waiting[seq] = envelope(seq, heart_rate)
            self._client.publish(f"dev/{self._address}/readings", self.waiting[seq], qos=1)

    def send_again(self) -> None:
        """Publish again what is not acknowledged; call it every half a minute."""
        with self._lock:
            for message in self.waiting.values():
                self._client.publish(f"dev/{self._address}/readings", message, qos=1)

    def close(self) -> None:
        self._client.publish(f"dev/{self._address}/status", "offline", qos=1, retain=True).wait_for_publish(5)
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(f"cmd/{self._address}/ack")
        client.publish(f"dev/{self._address}/status", "online", qos=1, retain=True)
        self.send_again()

    def _acknowledged(self, client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
        answer = json.loads(message.payload)
        with self._lock:
            self.waiting.pop(answer["ack"], None)  # stored, or refused for good: the reason is in answer["refused"]


if __name__ == "__main__":
    wearable = Wearable(*sys.argv[1:4])
    for number in range(10**9):
        wearable.send(number, 60 + number % 20)
        time.sleep(1)
        if number % 30 == 29:
            wearable.send_again()

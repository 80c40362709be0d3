"""A wearable on MQTT 5: publishes the JSON envelope, forgets a reading only after the application's acknowledgement.

The broker's own acknowledgement (PUBACK) counts for nothing here: brokers lose what they acknowledged.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.errors import UndecodableError
from devices.mqtt.envelope import ack_topic, decode_ack, readings_topic
from devices.sample import Samples
from simulators.errors import BrokerRefusedError
from simulators.wearable_memory import Counts, Memory

_SESSION_S: Final = 24 * 3600
_QUEUE: Final = 100


@dataclass(frozen=True, slots=True)
class Broker:
    """The address of the broker; without ``password`` a wearable sends neither name nor password."""

    host: str
    port: int
    password: str | None = None


class MqttWearable:
    """One device called ``address`` on the broker (its user name and client id too).

    :meth:`measure` and :meth:`pump` may be called from any thread; nothing blocks.  Keep calling :meth:`pump`, a few times
    a second: it makes a message at most every ``linger`` seconds and sends what is due.
    """

    def __init__(self, address: str, broker: Broker, *, memory: Memory | None = None, linger: float = 1.0) -> None:
        self.address, self.broker = address, broker
        self.battery: int | None = 100
        self.contact: bool | None = None
        self.refused: BrokerRefusedError | None = None  # the last refusal of the broker
        self._topic, self._ack_topic = readings_topic(address), ack_topic(address)
        self._memory = memory or Memory(first=time.time_ns() // 1_000_000)
        self._linger, self._sealed = linger, float("-inf")
        self._lock = threading.Lock()
        self._ready = threading.Event()  # connected, and subscribed to acknowledgements
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=address, protocol=mqtt.MQTTv5)
        if broker.password is not None:
            client.username_pw_set(address, broker.password)
        client.max_queued_messages_set(_QUEUE)
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    # life cycle

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        keep = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        keep.SessionExpiryInterval = _SESSION_S
        self._client.connect_async(self.broker.host, self.broker.port, keepalive=30, clean_start=False, properties=keep)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; messages without acknowledgement stay in the memory."""
        self._ready.clear()
        self._client.disconnect()
        self._client.loop_stop()

    def wait_ready(self, timeout: float) -> None:
        """Wait until it may publish; :class:`BrokerRefusedError` or ``TimeoutError`` after ``timeout`` seconds."""
        if not self._ready.wait(timeout):
            where = f"{self.broker.host}:{self.broker.port}"
            # rumqttd just hangs up on a wrong password
            raise self.refused or TimeoutError(
                f"no answer from an MQTT broker at {where}: see that it runs, and check the password of {self.address}"
            )

    # measuring

    def measure(self, at: int, samples: Samples) -> None:
        """Keep a reading: SAMPLE [k] measured at ``at`` (ms since the epoch)."""
        with self._lock:
            self._memory.add(at, samples)

    def pump(self, *, flush: bool = False) -> None:
        """Make a message of the measured readings if it is time (or ``flush``), and send the messages that are due."""
        now = time.monotonic()
        with self._lock:
            if flush or self._memory.full_message or now >= self._sealed + self._linger:
                self._memory.seal(now=time.time_ns() // 1_000_000, battery=self.battery, contact=self.contact)
                self._sealed = now
            if not self._ready.is_set():
                return
            due = self._memory.due(now)
            for message in due:
                self._memory.sent(message, now)
        # Not under the lock, which the client's thread takes.  One that fails here is tried again like one that is lost.
        for message in due:
            self._client.publish(self._topic, message.payload, qos=1)

    @property
    def counts(self) -> Counts:
        with self._lock:
            return self._memory.counts

    # the client's thread

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self.refused = BrokerRefusedError(self.address, str(reason))
            return
        client.subscribe(self._ack_topic, qos=1)

    def _on_subscribe(self, client: mqtt.Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self.refused = BrokerRefusedError(self.address, str(reasons[0]))
            return
        with self._lock:
            self._memory.reconnected()
        self.refused = None
        self._ready.set()

    def _on_disconnect(self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._ready.clear()

    def _on_publish(self, client: mqtt.Client, data: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:  # the message stays and is tried again
            self.refused = BrokerRefusedError(self.address, str(reason))

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            seq = decode_ack(bytes(message.payload))
        except UndecodableError:
            return  # not an acknowledgement: nothing may be forgotten
        with self._lock:
            self._memory.acknowledge(seq)

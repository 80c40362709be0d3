"""MQTT devices: each publishes on its own topic and may forget a message once the gateway acknowledges it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.decoded import Decoded, samples_of
from devices.errors import UndecodableError
from devices.mqtt.envelope import (
    MAX_BYTES,
    Envelope,
    ack_topic,
    address_of,
    decode_envelope,
    decode_status,
    encode_ack,
    readings_topic,
    seq_of,
    status_topic,
)
from devices.mqtt.mapping import Mapping, apply_mapping
from devices.mqtt.senml import decode_senml, is_senml
from devices.wire.event import Link
from gateway.clock import GatewayClock, Stamp
from gateway.desk.configuration import Configuration
from gateway.errors import OutboxError
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from gateway.sources.intake import Intake, Received
from gateway.sources.mappings import mapped

_SESSION_S: Final = 7 * 24 * 3600
_KEEPALIVE_S: Final = 30
_UNACKNOWLEDGED: Final = 32
"""Messages that the broker may send before the first of them is acknowledged."""
_ROOM: Final = 256
"""Waiting messages at which paho's thread stops reading: Mosquitto 2.0 sends all it kept at once after a reconnect."""
_RETRY_S: Final = 1.0
_REASONS: Final = 20
_QUOTED: Final = "holds what is not known: the gateway keeps it with its reason"
_DELAY_S: Final = (1, 30)

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and login of the broker; with ``ca`` (a PEM file) the connection uses TLS."""

    host: str
    port: int = 1883
    user: str = ""
    password: str = ""
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    payload: bytes
    mid: int
    qos: int
    connection: int
    arrived: Stamp
    retained: bool = False


class MqttSource:
    """The MQTT source of readings; ``gateway`` names the session, for which the broker keeps messages for a week.

    ``mappings`` say what devices mean that do not speak Vigil's envelope.
    """

    def __init__(
        self,
        configuration: Configuration,
        outbox: Outbox,
        clock: GatewayClock,
        metrics: Metrics,
        broker: Broker,
        *,
        gateway: int,
        mappings: Sequence[Mapping] = (),
    ) -> None:
        self._configuration, self._outbox, self._clock, self._metrics = configuration, outbox, clock, metrics
        self._broker, self._mappings = broker, mappings
        self._links: dict[str, bool] = {}  # by address, as their devices say
        self._intakes: dict[str, Intake] = {}
        self._topics: frozenset[str] = frozenset()
        self._queue: asyncio.Queue[_Message] = asyncio.Queue()  # bounded by _room
        self._room = threading.Semaphore(_ROOM)
        self._ending = threading.Event()
        self._connection = 0
        self._loop: asyncio.AbstractEventLoop
        self._broken: asyncio.Future[None]
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"vigil-gateway-{gateway}", protocol=paho.MQTTv5, manual_ack=True
        )
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.ca is not None:
            self._client.tls_set(str(broker.ca))
        self._client.reconnect_delay_set(*_DELAY_S)
        self._client.on_connect = self._guarded(self._on_connect)
        self._client.on_subscribe = self._guarded(self._on_subscribe)
        self._client.on_unsubscribe = self._guarded(self._on_unsubscribe)
        self._client.on_disconnect = self._guarded(self._on_disconnect)
        self._client.on_message = self._guarded(self._on_message)

    async def run(self) -> None:
        """Follow the configuration and store messages until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._broken = self._loop.create_future()
        self._follow()
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = _SESSION_S
        session.ReceiveMaximum = _UNACKNOWLEDGED
        self._client.connect_async(self._broker.host, self._broker.port, _KEEPALIVE_S, clean_start=False, properties=session)
        self._client.loop_start()
        storing = asyncio.create_task(self._store(), name="mqtt")
        try:
            while True:
                self._follow()
                await self._configuration.changed(helpers=[storing, self._broken])
        finally:
            storing.cancel()
            self._ending.set()
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)
            self._let_go()

    def _let_go(self) -> None:
        """Take the callbacks off: they make a circle with the client, whose socket the collector would close some time."""
        client = self._client
        client.on_connect = client.on_subscribe = client.on_unsubscribe = client.on_disconnect = client.on_message = None

    def _follow(self) -> None:
        """Subscribe to the topics of the assigned devices alone."""
        config = self._configuration.current
        intakes: dict[str, Intake] = {}
        for device in config.devices if config else ():
            if device.source != "mqtt":
                continue
            try:
                readings_topic(device.address)
            except ValueError as error:
                _log.error("device cannot be listened to", device=device.device, reason=str(error))
                continue
            kept = self._intakes.get(device.address)
            if kept is None or kept.device != device:
                kept = Intake(device, self._outbox, self._clock, self._metrics)
            intakes[device.address] = kept
        before, self._intakes = self._topics, intakes
        own = (topic(address) for address in intakes for topic in (readings_topic, status_topic))
        self._topics = frozenset([*own, *(one.filter for one in self._mappings if intakes)])
        self._links = {address: up for address, up in self._links.items() if address in intakes}
        if self._client.is_connected():
            self._subscribe(sorted(self._topics - before))
            if gone := sorted(before - self._topics):
                self._client.unsubscribe(gone)

    def _subscribe(self, topics: Sequence[str]) -> None:
        if topics:
            self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])

    # paho's thread

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        """``callback``, whose bug ends this source: paho's thread would end with it and nothing would say so."""

        def call(*arguments: Any) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._break, error)

        return call

    def _on_connect(self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            _log.error("broker refuses the connection", reason=str(reason))
            return
        self._connection += 1
        self._subscribe(sorted(self._topics))  # always: the broker may have lost the session
        _log.info("broker connected", session_present=bool(flags.session_present), topics=len(self._topics))

    def _on_subscribe(self, client: paho.Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Any) -> None:
        if refused := [str(reason) for reason in reasons if reason.is_failure]:
            _log.error("broker refuses a subscription", reason=refused[0], topics=len(refused))
        else:
            self._metrics.topics(len(self._intakes))

    def _on_unsubscribe(self, client: paho.Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Any) -> None:
        self._metrics.topics(len(self._intakes))

    def _on_disconnect(self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._connection += 1
        self._metrics.topics(0)
        if reason.is_failure:
            _log.warning("broker lost", reason=str(reason))

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload[: MAX_BYTES + 1])  # enough to see that it is too long
        received = _Message(
            message.topic, payload, message.mid, message.qos, self._connection, self._clock.now(), bool(message.retain)
        )
        while not self._room.acquire(timeout=_RETRY_S):
            if self._ending.is_set():
                return
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._queue.put_nowait, received)

    # the event loop

    def _break(self, error: Exception) -> None:
        if not self._broken.done():
            self._broken.set_exception(error)

    async def _store(self) -> None:
        """Store all messages that came while the disk was busy with one commit, then acknowledge them."""
        while True:
            messages = [await self._queue.get()]
            while not self._queue.empty():
                messages.append(self._queue.get_nowait())
            self._room.release(len(messages))
            accepted: dict[Intake, list[Received]] = {}
            refused: list[tuple[Intake, str, bytes]] = []
            answers = [self._read(message, accepted, refused) for message in messages]
            while accepted or refused:
                try:
                    await self._commit(accepted, refused)
                except OutboxError as error:
                    _log.error("outbox takes nothing, the broker keeps it", reason=str(error))
                    await asyncio.sleep(_RETRY_S)
            for message, answer in zip(messages, answers, strict=True):
                self._acknowledge(message, answer)

    def _read(
        self, message: _Message, accepted: dict[Intake, list[Received]], refused: list[tuple[Intake, str, bytes]]
    ) -> bytes | None:
        """Decode one message into ``accepted`` and ``refused``; return the answer to its device."""
        if (reporter := address_of(message.topic, "status")) in self._intakes and reporter is not None:
            self._note_link(reporter, message, accepted)
            return None
        intake = self._intakes.get(address_of(message.topic) or "")
        if intake is None and self._read_foreign(message, accepted, refused):
            return None
        if intake is None:
            self._metrics.refused("topic")
            _log.warning("message on a topic of no assigned device")
            return None
        arrived = message.arrived
        try:
            decode = decode_senml if is_senml(message.payload) else decode_envelope
            envelope = decode(message.payload, arrived.wall)
        except UndecodableError as error:
            _log.warning("undecodable", device=intake.device.device, size=len(message.payload))
            refused.append((intake, str(error), message.payload))
            self._tell(intake, error.reason, arrived, accepted)
            seq = zlib.crc32(message.payload) if is_senml(message.payload) else seq_of(message.payload)
            return encode_ack(seq, error.reason)
        reasons = "; ".join(f"reading {part.reading}: {part.reason}" for part in envelope.refused[:_REASONS])
        if envelope.refused:
            _log.warning("partly undecodable", device=intake.device.device, parts=len(envelope.refused))
            refused.append((intake, reasons, message.payload))
            self._tell(intake, envelope.refused[0].reason, arrived, accepted)
        self._metrics.readings("measured", len(envelope.readings))
        self._metrics.samples("measured", sum(len(one.samples) for one in envelope.readings))
        accepted.setdefault(intake, []).extend(self._received(intake, envelope, arrived))
        return encode_ack(envelope.seq, reasons)

    def _note_link(self, address: str, message: _Message, accepted: dict[Intake, list[Received]]) -> None:
        """A device is there, or its last will says that it is not; told when it changes."""
        try:
            up = decode_status(message.payload)
        except UndecodableError:
            self._metrics.refused("undecodable")
            return
        if self._links.get(address) is not up:
            self._links[address] = up
            note = Received(_nothing(message.arrived), message.arrived, events=(Link(message.arrived.wall, up),))
            accepted.setdefault(self._intakes[address], []).append(note)

    def _read_foreign(
        self, message: _Message, accepted: dict[Intake, list[Received]], refused: list[tuple[Intake, str, bytes]]
    ) -> bool:
        """Read a message of a foreign device by the mappings; False if none of them knows its topic.

        What the broker has kept for new subscribers is of any age, so it counts only with a time of its own.
        """
        found = mapped(self._mappings, message.topic, message.payload)
        for mapping, address, content in found:
            intake = self._intakes.get(address)
            if intake is None:
                continue
            try:
                decoded = apply_mapping(mapping, content, message.arrived.wall)
            except UndecodableError as error:
                refused.append((intake, str(error), message.payload))
                continue
            if decoded.device_time is None and message.retained:
                continue
            if decoded.device_time is None:
                intake.jumps.mark(decoded.samples, message.arrived.wall)
            self._metrics.readings("measured")
            self._metrics.samples("measured", len(decoded.samples))
            envelope = Envelope(0, (decoded,), sent=decoded.device_time)
            accepted.setdefault(intake, []).extend(self._received(intake, envelope, message.arrived))
        return bool(found)

    def _received(self, intake: Intake, envelope: Envelope, arrived: Stamp) -> list[Received]:
        """The readings with what is known of the device's clock; the first says if it was found wrong."""
        if not arrived.sure:  # there is nothing to compare with
            return [Received(one, arrived, stream=True) for one in envelope.readings]
        ahead = intake.sent_clock.learn(envelope.sent, arrived.wall)
        correction = intake.new_correction(ahead)
        events = () if correction is None else (correction,)
        readings = [Received(one, arrived, ahead, stream=True) for one in envelope.readings]
        notes = [Received(_nothing(arrived), arrived, events=events)] if events else []
        return [*notes, *readings]

    def _tell(self, intake: Intake, reason: str, arrived: Stamp, accepted: dict[Intake, list[Received]]) -> None:
        """Tell once that messages of the device are refused; a reason that quotes the device is not repeated."""
        fault = intake.new_fault("message", _QUOTED if {"'", '"'} & set(reason) else reason)
        if fault is not None:
            accepted.setdefault(intake, []).append(Received(_nothing(arrived), arrived, events=(fault,)))

    async def _commit(self, accepted: dict[Intake, list[Received]], refused: list[tuple[Intake, str, bytes]]) -> None:
        """Store side by side; a stored part leaves ``accepted`` or ``refused``, so that it is not stored again."""

        async def accept(intake: Intake, messages: list[Received]) -> None:
            await intake.accept(messages)
            del accepted[intake]

        async def refuse(one: tuple[Intake, str, bytes]) -> None:
            intake, reason, payload = one
            await intake.refuse("mqtt", reason, payload)
            refused.remove(one)

        work = [*(accept(*pair) for pair in list(accepted.items())), *(refuse(one) for one in list(refused))]
        for failure in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    def _acknowledge(self, message: _Message, answer: bytes | None) -> None:
        if message.qos and message.connection == self._connection:  # another connection sends it again itself
            self._client.ack(message.mid, message.qos)
        address = address_of(message.topic)
        if answer is not None and address is not None:
            # QoS 0: nothing piles up here, and a device that misses it sends its message again and is answered again.
            self._client.publish(ack_topic(address), answer, qos=0)


def _nothing(arrived: Stamp) -> Decoded:
    """A message without samples."""
    return Decoded(samples_of([], arrived.wall))

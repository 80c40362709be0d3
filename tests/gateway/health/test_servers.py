"""Whether a gateway reaches its broker, its desk and the log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deploy.stack.kafka import Kafka
from deploy.stack.mqtt import MqttBroker
from devices.wire.pairing import Assigned, Claimed
from gateway.health import servers
from gateway.health.check import Looks
from gateway.settings import GatewaySettings
from tests.gateway.desk_server import Desk
from tests.gateway.making import config

CONFIG = config(Assigned(7, 1, 0, "ble", "A"))


def wrong(looks: Looks) -> list[str]:
    return [one.what for one in looks if not one.ok and one.cure]


def test_a_broker_that_is_away_or_refuses_us_is_named(mqtt: MqttBroker, tmp_path: Path) -> None:
    def settings(port: int, password: str) -> GatewaySettings:
        return GatewaySettings(state=tmp_path, mqtt_host="127.0.0.1", mqtt_port=port, mqtt_user="gateway",
                               mqtt_password=password)  # fmt: skip

    assert wrong(servers.broker(settings(mqtt.port, mqtt.users["gateway"]))) == []
    assert "does not take us" in wrong(servers.broker(settings(9, "x")))[0]
    assert list(servers.broker(GatewaySettings(state=tmp_path))) == []


async def test_a_desk_that_is_away_or_does_not_know_us_is_named(tmp_path: Path) -> None:
    desk = await Desk().start()
    desk.config = CONFIG

    def looks(credential: str, address: str = desk.address) -> list[str]:
        return wrong(servers.desk(address, None, Claimed(5, credential), CONFIG, 0.0))

    assert await asyncio.to_thread(looks, desk.credential) == []
    assert "revoked" in (await asyncio.to_thread(looks, "another"))[0]
    desk.knows = False
    assert "does not know" in (await asyncio.to_thread(looks, "another"))[0]
    assert "ConnectError" in (await asyncio.to_thread(looks, "x", "http://127.0.0.1:9"))[0]
    assert "no configuration" in wrong(servers.desk(desk.address, None, None, None, None))[0]
    assert "0 devices" in wrong(servers.desk(desk.address, None, None, config(), None))[0]
    await asyncio.to_thread(desk.stop)


def test_an_address_in_clear_and_a_certificate_that_nobody_vouches_for_are_named() -> None:
    assert "not https" in wrong(servers._certificate("http://desk.example.org", None))[0]
    assert list(servers._certificate("http://127.0.0.1:8080", None)) == []
    assert list(servers._certificate("https://127.0.0.1:9", None)) == []  # said of the desk


def test_a_log_that_is_away_or_lacks_the_topic_is_named(kafka: Kafka, topic: str) -> None:
    assert wrong(servers.kafka(kafka.bootstrap, topic, {})) == []
    assert "no topic" in wrong(servers.kafka(kafka.bootstrap, "no-such-topic", {}))[0]
    assert "does not answer" in wrong(servers.kafka("127.0.0.1:9", topic, {}))[0]

"""MQTT brokers for tests, started for the session and apart from each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.errors import ProgramMissingError
from deploy.stack.mqtt import Mosquitto, MqttBroker, Rumqttd

USERS = {
    "gateway": "gateway-secret",
    "gateway-2": "gateway-2-secret",
    **{f"device-{number}": f"device-{number}-secret" for number in range(1, 9)},
}


@pytest.fixture(scope="session")
def mosquitto(session_home: Path) -> Iterator[Mosquitto]:
    """Mosquitto 2 with rights: `.port`, `.users` (name to password; gateway reads dev/#), `.kill()`, `.start()`."""
    broker = Mosquitto(session_home / "mosquitto", USERS)
    try:
        broker.start()
    except ProgramMissingError as error:
        pytest.skip(f"could not run: {error}")
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def rumqttd(session_home: Path) -> Iterator[Rumqttd]:
    """The broker of the demo, without rights: the same as `mosquitto` otherwise."""
    with Rumqttd(session_home / "rumqttd", USERS) as broker:
        yield broker


@pytest.fixture(params=["mosquitto", "rumqttd"])
def mqtt(request: pytest.FixtureRequest) -> MqttBroker:
    """Both brokers, one after the other; started again where an earlier test left it killed."""
    broker: MqttBroker = request.getfixturevalue(request.param)
    if not broker.healthy():
        broker.start()
    return broker

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devices.wire.pairing import Assigned, Claimed
from gateway.desk.configuration import Configuration, read_credential
from gateway.desk.downlink import Downlink, claim
from gateway.errors import ClaimError, DeskUnreachableError, RevokedError
from tests.gateway.desk_server import Desk
from tests.gateway.making import config
from tests.until import until

DEVICE = Assigned(7, 1, 0, "ble", "A")


Polling = tuple[Configuration, asyncio.Task[None]]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    started = await Desk().start()
    yield started
    await asyncio.to_thread(started.stop)


@pytest.fixture
async def polling(desk: Desk, tmp_path: Path) -> AsyncIterator[Polling]:
    configuration = Configuration(tmp_path)
    task = asyncio.create_task(Downlink(configuration, Claimed(5, desk.credential), desk.address).run())
    yield configuration, task
    task.cancel()
    await asyncio.wait({task})


async def test_a_claim_code_becomes_a_credential_once(desk: Desk, tmp_path: Path) -> None:
    claimed = await claim(desk.address, "123-456", tmp_path)
    assert claimed == Claimed(5, desk.credential) == read_credential(tmp_path)
    with pytest.raises(ClaimError, match="ask for a new one"):
        await claim(desk.address, "123-456", tmp_path / "other")
    assert read_credential(tmp_path / "other") is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "no url at all"])
async def test_a_desk_that_is_not_there_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(DeskUnreachableError, match="check the address"):
        await claim(address, "1", tmp_path)


async def test_a_change_of_configuration_arrives_at_once_and_stays(desk: Desk, polling: Polling, tmp_path: Path) -> None:
    configuration, _ = polling
    desk.config = config(DEVICE, version=1)
    await until(lambda: configuration.version == 1)
    began = time.monotonic()
    desk.config = config(DEVICE, Assigned(8, 2, 0, "mqtt", "B"), version=2)
    await until(lambda: configuration.version == 2)
    assert time.monotonic() - began < 2
    assert Configuration(tmp_path).current == desk.config


async def test_a_desk_in_trouble_is_asked_again_and_the_stored_configuration_serves(desk: Desk, polling: Polling) -> None:
    configuration, task = polling
    desk.config = config(DEVICE, version=1)
    await until(lambda: configuration.version == 1)
    desk.status = 500
    await until(lambda: desk.polls >= 4)
    assert configuration.key_of(1) is not None
    desk.status, desk.config = None, config(DEVICE, version=2)
    await until(lambda: configuration.version == 2)
    assert not task.done()


async def test_a_revoked_gateway_forgets_its_keys_and_says_so(desk: Desk, polling: Polling) -> None:
    configuration, task = polling
    desk.config = config(DEVICE, version=1)
    await until(lambda: configuration.version == 1)
    desk.credential = "another"
    with pytest.raises(RevokedError, match="claim code"):
        await asyncio.wait_for(task, 15)
    assert configuration.revoked
    assert configuration.key_of(1) is None


async def test_a_restored_desk_that_counts_from_lower_is_believed_by_a_running_gateway(desk: Desk, polling: Polling) -> None:
    configuration, _ = polling
    desk.config = config(DEVICE, version=9)
    await until(lambda: configuration.version == 9)
    desk.epoch, desk.config = 2, config(DEVICE, Assigned(8, 2, 0, "mqtt", "B"), version=9)
    await until(lambda: configuration.current == desk.config)
    desk.config = config(DEVICE, version=3)
    await until(lambda: configuration.current == desk.config)


async def test_a_desk_that_does_not_know_the_gateway_takes_no_key_from_it(desk: Desk, polling: Polling) -> None:
    configuration, task = polling
    desk.config = config(DEVICE, version=1)
    await until(lambda: configuration.version == 1)
    desk.knows, credential, desk.credential = False, desk.credential, "another"
    polls = desk.polls
    await until(lambda: desk.polls > polls + 3)
    assert configuration.key_of(1) is not None
    assert configuration.desk_answer == "it does not know this gateway"
    desk.credential, desk.config = credential, config(DEVICE, version=2)
    await until(lambda: configuration.version == 2)
    assert (configuration.desk_answer, task.done()) == ("", False)


async def test_one_refusal_is_no_revocation(desk: Desk, polling: Polling) -> None:
    configuration, task = polling
    desk.status = 410
    await until(lambda: desk.polls == 1)
    desk.status, desk.config = None, config(DEVICE, version=3)
    await until(lambda: configuration.version == 3)
    assert not configuration.revoked
    assert not task.done()

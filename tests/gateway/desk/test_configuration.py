import asyncio
import stat
from pathlib import Path

from devices.wire.pairing import Assigned, Claimed
from gateway.desk.configuration import Configuration, read_credential, store_credential
from tests.gateway.making import config

DEVICE = Assigned(7, 1, 0, "ble", "A")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_what_was_accepted_is_there_after_a_restart_and_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    Configuration(state).accept(config(DEVICE, version=4))
    again = Configuration(state)
    assert again.current == config(DEVICE, version=4)
    assert again.version == 4
    assert (mode(state), mode(state / "config.json")) == (0o700, 0o600)


async def test_whoever_waits_is_woken_once_for_each_change(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path)
    waiting = asyncio.create_task(configuration.changed())
    await asyncio.sleep(0)
    configuration.accept(config(DEVICE))
    await asyncio.wait_for(waiting, 1)
    assert not asyncio.create_task(configuration.changed()).done()


async def test_revoking_forgets_every_key_on_disk_too(tmp_path: Path) -> None:
    configuration = Configuration(tmp_path)
    configuration.accept(config(DEVICE))
    assert configuration.key_of(1) is not None
    configuration.revoke()
    assert configuration.key_of(1) is None
    assert Configuration(tmp_path).key_of(1) is None


async def test_an_unreadable_configuration_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"version": "four"')
    assert Configuration(tmp_path).version == 0


def test_the_credential_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    assert read_credential(tmp_path) is None
    store_credential(tmp_path, Claimed(5, "secret"))
    assert read_credential(tmp_path) == Claimed(5, "secret")
    assert mode(tmp_path / "credential") == 0o600

"""A gateway is asked to look, reports, and what it saw is nobody's record: it is deleted when the scan is over."""

from __future__ import annotations

import pytest

from alerts.care.device_kinds import KINDS, interval_of, kinds_of
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateway_config import gateway_config
from alerts.care.pairing_scan import ask_buzz, ask_scan, cards, choose, end_scan, scan_of, scan_state, store_seen, take_off
from alerts.database import now
from alerts.errors import DeviceTakenError, PairingError
from devices.gatt.profiles import PROFILES
from devices.wire.pairing import Nearby, Seen
from tests.alerts.care.conftest import BEGAN, MASTER, Ward
from tests.alerts.conftest import Db

BELT = Nearby("C0:DE:00:00:00:2A", "Belt", ("heart rate",), -50)
CLIP = Nearby("C0:DE:00:00:00:2B", "Clip", ("pulse oximeter",), -70, can_buzz=True)


def seen(db: Db, gateway: int, *devices: Nearby, fault: str = "") -> bool:
    order = scan_of(db, gateway)
    return store_seen(db, gateway, Seen(order.request if order else 0, devices, fault))


def test_every_profile_is_a_kind_that_people_know() -> None:
    assert {kind for profile in PROFILES for kind in kinds_of([profile.name])} == set(KINDS)
    assert all(kinds_of([profile.name]) for profile in PROFILES)
    assert kinds_of(["of a newer gateway"]) == ()
    assert (interval_of(["heart rate"]), interval_of(["blood pressure"])) == (1, 0)


def test_a_scan_stands_in_the_configuration_while_it_lasts(db: Db, ward: Ward) -> None:
    with db.transaction():
        ask_scan(db, ward.gateway)
    found = gateway_config(db, MASTER, ward.gateway, "k", "t")
    assert found.scan is not None
    version, request = found.version, found.scan.request
    with db.transaction():
        ask_scan(db, ward.gateway)  # a second press at once asks for nothing new
    assert gateway_config(db, MASTER, ward.gateway, "k", "t").version == version
    db.execute("UPDATE gateway_scan SET asked = asked - interval '10 seconds'")
    with db.transaction():
        ask_scan(db, ward.gateway)
    again = scan_of(db, ward.gateway)
    assert again is not None and again.request > request
    with db.transaction():
        end_scan(db, ward.gateway)
    ended = gateway_config(db, MASTER, ward.gateway, "k", "t")
    assert ended.scan is None and ended.version > version


def test_reports_are_kept_in_order_of_sight_and_deleted_with_the_scan(db: Db, ward: Ward) -> None:
    assert scan_state(db, ward.gateway) is None
    assert not seen(db, ward.gateway, BELT)
    with db.transaction():
        ask_scan(db, ward.gateway)
    state = scan_state(db, ward.gateway)
    assert state is not None and state.reported_s is None and state.answered
    assert seen(db, ward.gateway, CLIP)
    assert seen(db, ward.gateway, BELT, CLIP, fault="x")
    assert [one.name for one in cards(db, ward.gateway, ward.ada)] == ["Clip", "Belt"]
    assert [one.name for one in cards(db, ward.gateway, ward.ada, "belt")] == ["Belt"]
    assert store_seen(db, ward.gateway, Seen(10**9, (BELT,))) is False  # of another scan
    db.execute("UPDATE gateway_scan SET asked = asked - interval '60 s', reported = reported - interval '20 s'")
    state = scan_state(db, ward.gateway)
    assert state is not None and not state.answered
    db.execute("UPDATE gateway_scan SET until = now()")
    assert not seen(db, ward.gateway, BELT)
    assert db.execute("SELECT count(*) FROM nearby").fetchone() == (0,)


def test_a_device_is_chosen_given_back_and_chosen_again(db: Db, ward: Ward) -> None:
    with db.transaction():
        ask_scan(db, ward.gateway)
    seen(db, ward.gateway, BELT)
    with db.transaction():
        device = choose(db, MASTER, ward.gateway, ward.ada, BELT.address, "Belt", 0)
    with db.transaction():
        assert choose(db, MASTER, ward.gateway, ward.ada, BELT.address, "Belt", 0) == device
    (card,) = cards(db, ward.gateway, ward.ada)
    assert (card.owner, card.device) == ("patient", device)
    (card,) = cards(db, ward.gateway, ward.bruno)
    assert (card.owner, card.device) == ("somebody", None)
    with pytest.raises(DeviceTakenError), db.transaction():
        choose(db, MASTER, ward.gateway, ward.bruno, BELT.address, "Belt", 0)
    with db.transaction():
        assert not take_off(db, ward.bruno, device, 0)
        assert take_off(db, ward.ada, device, 0)
    with db.transaction():
        assert choose(db, MASTER, ward.gateway, ward.bruno, BELT.address, "Belt", 0) == device
    with pytest.raises(PairingError, match="not seen any more"), db.transaction():
        choose(db, MASTER, ward.gateway, ward.ada, "C0:00:00:00:00:99", "?", 0)


def test_an_address_in_another_case_is_the_same_device(db: Db, ward: Ward) -> None:
    with db.transaction():
        device = add_device(db, "belt", "ble", BELT.address.lower(), 1)
        enrol(db, MASTER, device, ward.ada, ward.gateway, BEGAN, by=1)
        ask_scan(db, ward.gateway)
    seen(db, ward.gateway, BELT)
    assert cards(db, ward.gateway, ward.bruno)[0].owner == "somebody"


def test_only_what_was_seen_and_can_is_asked_to_buzz(db: Db, ward: Ward) -> None:
    with db.transaction():
        ask_scan(db, ward.gateway)
    seen(db, ward.gateway, BELT, CLIP)
    for address in (BELT.address, "elsewhere", CLIP.address):
        with db.transaction():
            ask_buzz(db, ward.gateway, address)
    order = scan_of(db, ward.gateway)
    assert order is not None and (order.buzz, order.buzz_request) == (CLIP.address, 1)
    assert now(db)

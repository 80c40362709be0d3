from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoded import Decoded
from devices.errors import UndecodableError
from devices.gatt.battery import BATTERY
from devices.gatt.profiles import PROFILES, decode, profiles_of
from devices.gatt.uuids import full_uuid
from devices.sample import SAMPLE, Status

NOW = 1_790_000_000_000
DECODABLE = {BATTERY.characteristic, *(one.characteristic for profile in PROFILES for one in profile.subscriptions)}


@given(st.sampled_from(sorted(DECODABLE)), st.binary(max_size=40), st.integers(0, 2**42))
def test_any_bytes_decode_or_are_refused(characteristic: str, value: bytes, arrived: int) -> None:
    try:
        found = decode(characteristic, value, arrived)
    except UndecodableError:
        return
    assert isinstance(found, Decoded)
    assert found.samples.dtype == SAMPLE
    assert (found.samples["time"] == arrived).all()
    assert (found.samples["reading"] == 0).all()
    assert (found.samples["status"][np.isnan(found.samples["value"])] != Status.OK).all()
    assert np.isfinite(found.samples["value"][found.samples["status"] == Status.OK]).all()


@given(st.sampled_from(sorted(DECODABLE)), st.binary(min_size=1, max_size=30))
def test_what_decodes_whole_is_refused_one_field_short(characteristic: str, value: bytes) -> None:
    """Cutting bytes off either names a missing field or, where the field was optional padding, changes no sample."""
    try:
        whole = decode(characteristic, value, NOW)
        short = decode(characteristic, value[:-1], NOW)
    except UndecodableError:
        return
    assert whole.samples.tobytes() == short.samples.tobytes()


def test_every_subscription_has_a_decoder_and_every_form_of_uuid_finds_it() -> None:
    for profile in PROFILES:
        assert profile.service == full_uuid(profile.service)
    for characteristic in DECODABLE:
        with pytest.raises(UndecodableError, match="truncated"):
            decode(characteristic, b"", NOW)
    for name in (0x2A19, "2A19", "0x2A19", "00002A19-0000-1000-8000-00805F9B34FB"):
        assert decode(name, b"\x50", NOW).battery == 80


def test_a_characteristic_without_decoder_is_refused() -> None:
    with pytest.raises(UndecodableError, match="no decoder"):
        decode(0x2A6E, b"\x00\x00", NOW)


def test_profiles_are_found_by_their_services() -> None:
    assert [one.name for one in profiles_of(["1810", full_uuid(0x180D), full_uuid(0x180F)])] == [
        "heart rate",
        "blood pressure",
    ]
    assert {one.name: one.family for one in PROFILES} == {
        "heart rate": "stream",
        "pulse oximeter": "stream",
        "blood pressure": "episodic",
        "thermometer": "episodic",
        "weight scale": "episodic",
        "body composition": "episodic",
        "glucose meter": "records",
        "continuous glucose": "stream",
        "Polar measurement data": "stream",
        "Viatom oximeter": "stream",
        "BerryMed oximeter": "stream",
        "Nonin oximeter": "stream",
        "Omron cuff": "records",
    }

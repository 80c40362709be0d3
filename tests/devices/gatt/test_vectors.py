"""Every public test vector of the characteristics Vigil decodes, against the fields as they were sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devices.errors import UndecodableError
from devices.gatt.battery import parse_battery
from devices.gatt.blood_pressure import parse_blood_pressure
from devices.gatt.date_time import date_time
from devices.gatt.heart_rate import parse_heart_rate
from devices.gatt.numbers import Number, medical_float, sfloat
from devices.gatt.pulse_oximeter import PulseOximetry, parse_continuous, parse_spot_check
from devices.gatt.thermometer import parse_temperature
from devices.sample import Status

SPECIAL = {
    Status.NAN: "NaN",
    Status.NRES: "NRes",
    Status.POSITIVE_INFINITY: "+INFINITY",
    Status.NEGATIVE_INFINITY: "-INFINITY",
}


def plain(number: Number | None) -> float | str | None:
    if number is None:
        return None
    return SPECIAL[number.status] if number.value is None else number.value


def oximetry(found: PulseOximetry) -> dict[str, Any]:
    return {
        "spo2": plain(found.spo2), "pulse": plain(found.pulse),
        "spo2_fast": plain(found.spo2_fast), "pulse_fast": plain(found.pulse_fast),
        "spo2_slow": plain(found.spo2_slow), "pulse_slow": plain(found.pulse_slow),
        "measurement_status": found.measurement_status, "sensor_status": found.sensor_status,
        "pai": plain(found.amplitude), "time": str(found.time) if found.time else None,
        "clock_not_set": found.clock_not_set,
    }  # fmt: skip


def parsed(characteristic: str, data: bytes) -> Any:
    match characteristic:
        case "SFLOAT":
            return plain(sfloat(int.from_bytes(data, "little")))
        case "FLOAT":
            return plain(medical_float(int.from_bytes(data, "little")))
        case "2A37":
            heart = parse_heart_rate(data)
            return {"bpm": heart.rate, "contact": heart.contact, "energy_kj": heart.energy, "rr_1024": list(heart.intervals)}
        case "2A5F":
            return oximetry(parse_continuous(data))
        case "2A5E":
            return oximetry(parse_spot_check(data))
        case "2A35":
            cuff = parse_blood_pressure(data)
            return {
                "systolic": plain(cuff.systolic), "diastolic": plain(cuff.diastolic), "map": plain(cuff.mean),
                "unit": cuff.unit, "time": str(cuff.time) if cuff.time else None, "pulse": plain(cuff.pulse),
                "user_id": cuff.user, "status": cuff.status,
            }  # fmt: skip
        case "2A1C":
            warm = parse_temperature(data)
            return {"temperature": plain(warm.temperature), "unit": warm.unit, "type": warm.site,
                    "time": str(warm.time) if warm.time else None}  # fmt: skip
        case "2A19":
            return {"percent": parse_battery(data)}
        case "2A08":
            return {"time": str(date_time(data))}
    raise AssertionError(characteristic)


OURS = {"SFLOAT": 10, "FLOAT": 7, "2A37": 11, "2A5F": 3, "2A5E": 3, "2A35": 5, "2A1C": 4, "2A19": 3, "2A08": 3}


@pytest.fixture
def vectors(shared_data: Path) -> list[dict[str, Any]]:
    found = json.loads((shared_data / "gatt_vectors.json").read_text())
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("characteristic", OURS)
def test_public_vectors_decode_to_the_values_their_source_names(characteristic: str, vectors: list[dict[str, Any]]) -> None:
    ours = [vector for vector in vectors if vector["characteristic"] == characteristic]
    assert len(ours) >= OURS[characteristic]
    for vector in ours:
        data, expect = bytes.fromhex(vector["hex"]), vector["expect"]
        if isinstance(expect, dict) and "error" in expect:
            with pytest.raises(UndecodableError, match=expect["error"]):
                parsed(characteristic, data)
        elif isinstance(expect, dict):
            found = parsed(characteristic, data)
            assert {name: found[name] for name in expect} == expect, vector["source"]
        else:
            assert parsed(characteristic, data) == expect, vector["source"]

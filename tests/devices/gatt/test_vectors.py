"""Every public test vector, against the fields as they were sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devices.errors import UndecodableError
from devices.gatt.battery import parse_battery
from devices.gatt.blood_pressure import parse_blood_pressure
from devices.gatt.body_composition import parse_body_composition
from devices.gatt.body_sensor_location import parse_body_sensor_location
from devices.gatt.cgm_control_point import CgmResponse, parse_cgm_control_point
from devices.gatt.cgm_measurement import CgmRecord, parse_cgm_measurement
from devices.gatt.cgm_session import parse_cgm_feature, parse_cgm_session_start, parse_cgm_status
from devices.gatt.current_time import parse_current_time
from devices.gatt.date_time import date_time
from devices.gatt.glucose import parse_glucose
from devices.gatt.glucose_context import parse_glucose_context
from devices.gatt.heart_rate import parse_heart_rate
from devices.gatt.intermediate_cuff_pressure import parse_intermediate_cuff_pressure
from devices.gatt.numbers import Number, medical_float, sfloat
from devices.gatt.pulse_oximeter import PulseOximetry, parse_continuous, parse_spot_check
from devices.gatt.pulse_oximeter_features import parse_plx_features
from devices.gatt.record_access import Counted, parse_record_access
from devices.gatt.thermometer import parse_temperature
from devices.gatt.weight_scale import parse_weight
from devices.sample import Status
from devices.vendors.polar import Kind, parse_frame
from devices.vendors.viatom_frame import crc8
from devices.vendors.viatom_frame import parse_frame as parse_viatom

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
    return parsed_glucose(characteristic, data) if characteristic in GLUCOSE else parsed_rest(characteristic, data)


def cgm(one: CgmRecord) -> dict[str, Any]:
    fields = {
        "glucose": plain(one.glucose), "offset_min": one.offset, "status": list(one.annunciation.octets),
        "trend": plain(one.trend), "quality": plain(one.quality), "crc_ok": one.intact,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value not in (None, [])}


def parsed_glucose(characteristic: str, data: bytes) -> Any:
    match characteristic:
        case "2A18":
            glucose = parse_glucose(data)
            return {
                "seq": glucose.sequence, "time": str(glucose.time), "offset_min": glucose.offset,
                "concentration": plain(glucose.concentration), "unit": glucose.unit, "type": glucose.specimen,
                "location": glucose.location, "context_follows": glucose.context_follows,
            }  # fmt: skip
        case "2A34":
            return {"seq": parse_glucose_context(data).sequence}
        case "2A52":
            answer = parse_record_access(data)
            if isinstance(answer, Counted):
                return {"count": answer.count}
            return {"response_to": answer.to, "code": answer.code}
        case "2AA7":
            return {"records": [cgm(one) for one in parse_cgm_measurement(data)]}
        case "2AA8":
            feature = parse_cgm_feature(data)
            return {
                "features": feature.features, "type": feature.type, "location": feature.location, "crc_ok": feature.intact
            }  # fmt: skip
        case "2AA9":
            state = parse_cgm_status(data)
            return {"offset_min": state.offset, "status": list(state.annunciation.octets), "crc_ok": state.intact}
        case "2AAA":
            start = parse_cgm_session_start(data)
            return {
                "time": str(start.time), "tz_15min": start.local.zone, "dst_15min": start.local.dst, "crc_ok": start.intact
            }  # fmt: skip
        case "2AAC":
            response = parse_cgm_control_point(data)
            assert isinstance(response, CgmResponse)
            return {"response_to": response.to, "code": response.code, "crc_ok": response.intact}
    raise AssertionError(characteristic)


def parsed_rest(characteristic: str, data: bytes) -> Any:
    match characteristic:
        case "2A38":
            return {"location": parse_body_sensor_location(data)}
        case "2A60":
            can = parse_plx_features(data)
            return {
                "features": can.features, "measurement_status_support": can.measurement_status_support,
                "sensor_status_support": can.sensor_status_support,
            }  # fmt: skip
        case "2A36":
            inflated = parse_intermediate_cuff_pressure(data)
            return {
                "cuff": plain(inflated.cuff), "unit": inflated.unit, "time": str(inflated.time),
                "pulse": plain(inflated.pulse), "user_id": inflated.user, "status": inflated.status,
            }  # fmt: skip
        case "2A9D":
            scale = parse_weight(data)
            return {
                "weight": plain(scale.weight), "unit": scale.unit, "time": str(scale.time), "user_id": scale.user,
                "bmi": scale.bmi, "height": scale.height,
            }  # fmt: skip
        case "2A9C":
            body = parse_body_composition(data)
            return {"fat_percent": plain(body.fat), "unit": body.unit, "time": str(body.time)}
        case "2A2B":
            clock = parse_current_time(data)
            return {
                "time": str(clock.time), "weekday": clock.weekday, "fractions256": clock.fractions, "adjust": clock.adjust
            }  # fmt: skip
        case "polar_pmd":
            frame = parse_frame(data)
            if frame.kind is Kind.ACC:
                return {"type": "acc", "timestamp_ns": frame.nanoseconds, "mg": frame.values.tolist()}
            names = ("hr", "pp_ms", "error_ms", "flags")
            intervals = [(one.rate, one.interval, one.error, one.flags) for one in frame.intervals]
            return {"type": "ppi", "samples": [dict(zip(names, one, strict=True)) for one in intervals]}
        case "viatom_cmd":
            return {"cmd": parse_viatom(data).command, "crc8_ok": crc8(data[:-1]) == data[-1]}
    raise AssertionError(characteristic)


GLUCOSE = {"2A18": 3, "2A34": 1, "2A52": 7, "2AA7": 3, "2AA8": 1, "2AA9": 2, "2AAA": 2, "2AAC": 2}
OURS = {
    "SFLOAT": 10, "FLOAT": 7, "2A37": 11, "2A38": 1, "2A5F": 3, "2A5E": 3, "2A60": 1, "2A35": 5, "2A36": 1, "2A1C": 4,
    **GLUCOSE, "2A9D": 5, "2A9C": 2, "2A19": 3, "2A08": 3, "2A2B": 2, "polar_pmd": 2, "viatom_cmd": 1,
}  # fmt: skip


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


def test_no_vector_is_left_out(vectors: list[dict[str, Any]]) -> None:
    assert {vector["characteristic"] for vector in vectors} == set(OURS)
    assert sum(OURS.values()) <= len(vectors)

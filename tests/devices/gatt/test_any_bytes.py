"""Every public parser survives any bytes: a value, or an error that names what is wrong; never another exception."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import UndecodableError
from devices.gatt import (
    body_composition,
    body_sensor_location,
    cgm_control_point,
    cgm_measurement,
    cgm_session,
    current_time,
    device_information,
    glucose,
    glucose_context,
    intermediate_cuff_pressure,
    pulse_oximeter_features,
    record_access,
    user_data,
    weight_scale,
)
from devices.vendors import berrymed, nonin, polar, viatom, viatom_frame
from devices.wire.event import decode_event, encode_event

TEXT = partial(device_information.parse_text, device_information.MODEL_NUMBER)
PARSERS: tuple[Callable[[bytes], Any], ...] = (
    body_composition.parse_body_composition,
    body_composition.parse_body_composition_feature,
    body_sensor_location.parse_body_sensor_location,
    cgm_control_point.parse_cgm_control_point,
    cgm_measurement.parse_cgm_measurement,
    cgm_session.parse_cgm_feature,
    cgm_session.parse_cgm_session_run_time,
    cgm_session.parse_cgm_session_start,
    cgm_session.parse_cgm_status,
    current_time.parse_current_time,
    current_time.parse_local_time,
    device_information.parse_pnp_id,
    device_information.parse_system_id,
    TEXT,
    glucose.parse_glucose,
    glucose.parse_glucose_feature,
    glucose_context.parse_glucose_context,
    intermediate_cuff_pressure.parse_intermediate_cuff_pressure,
    pulse_oximeter_features.parse_plx_features,
    record_access.parse_record_access,
    user_data.parse_age,
    user_data.parse_database_change,
    user_data.parse_date_of_birth,
    user_data.parse_gender,
    user_data.parse_height,
    user_data.parse_user_index,
    user_data.parse_user_response,
    user_data.parse_user_weight,
    weight_scale.parse_weight,
    weight_scale.parse_weight_scale_feature,
    berrymed.parse_packets,
    nonin.parse_nonin,
    polar.offers,
    polar.parse_frame,
    viatom.parse_live,
    viatom_frame.parse_frame,
)


@given(st.sampled_from(PARSERS), st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused_with_a_named_field(parse: Callable[[bytes], Any], data: bytes) -> None:
    try:
        found = parse(data)
    except UndecodableError as error:
        found = error.what and error.reason
    assert parse is TEXT or (found is not None and found != "")


@pytest.mark.parametrize("parse", PARSERS)
def test_nothing_is_truncated(parse: Callable[[bytes], Any]) -> None:
    if parse is TEXT:  # it may be empty
        return
    with pytest.raises(UndecodableError, match="truncated"):
        parse(b"")


@given(st.binary(max_size=24))
def test_any_context_becomes_an_event_that_its_readers_accept(data: bytes) -> None:
    try:
        event = glucose_context.context_event(glucose_context.parse_glucose_context(data))
    except UndecodableError:
        return
    assert decode_event(encode_event(event)) == event


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_any_parts_of_a_viatom_answer_are_joined_or_refused(parts: list[bytes]) -> None:
    buffer = viatom_frame.FrameBuffer()
    for part in parts:
        with contextlib.suppress(UndecodableError):
            buffer.add(part)

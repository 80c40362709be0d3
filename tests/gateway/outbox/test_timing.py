import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices.decoded import samples_of
from devices.sample import SAMPLE, Status
from devices.vitals import Vital
from devices.wire.event import Contact, decode_event
from gateway.outbox.timing import AHEAD_MS, measured_at, record_number, stamped
from tests.gateway.making import T0

MOMENT = st.integers(0, 4 * 10**12)


def test_without_a_time_of_the_device_the_arrival_counts() -> None:
    assert measured_at(T0, None) == (T0, True)


@given(MOMENT, MOMENT, st.integers(-(10**12), 10**12))
def test_a_measured_time_never_lies_in_the_future(arrived: int, device_time: int, ahead: int) -> None:
    measured, sure = measured_at(arrived, device_time, ahead)
    assert measured <= arrived + AHEAD_MS
    assert (measured == device_time - ahead) if sure else (measured == arrived)


def test_only_what_was_ok_becomes_unsure() -> None:
    samples = samples_of([(Vital.SPO2, 97.0, Status.OK), (Vital.PULSE_RATE, 60.0, Status.ARTEFACT)], T0)
    found = np.frombuffer(stamped(samples, T0 + 5, sure=False), SAMPLE)
    assert found["status"].tolist() == [Status.CLOCK_UNSURE, Status.ARTEFACT]
    assert found["time"].tolist() == [T0 + 5] * 2
    assert found["value"].tolist() == [97.0, 60.0]


def test_an_event_keeps_all_but_its_time() -> None:
    assert decode_event(stamped(Contact(1, True), T0, sure=False)) == Contact(T0, True)


def test_a_record_is_known_by_its_number_or_by_its_values() -> None:
    one, same, other = (samples_of([(Vital.SPO2, value, Status.OK)], at) for value, at in ((97, 1), (97, 2), (96, 1)))
    assert record_number(5, one) == 5
    assert record_number(None, one) == record_number(None, same) != record_number(None, other)
    assert record_number(None, one) < 0

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoded import samples_of
from devices.sample import SAMPLE, Status
from devices.vitals import Vital
from devices.wire.batch import ClockQuality
from devices.wire.event import Contact, decode_event
from gateway.outbox.timing import AHEAD_MS, Basis, Claim, Timed, Trust, record_number, settled, stamped, timed
from tests.gateway.making import T0

MOMENT = st.integers(0, 4 * 10**12)


def test_without_a_time_of_the_device_the_arrival_counts() -> None:
    assert timed(Claim(T0)) == Timed(T0)


@given(MOMENT, MOMENT, st.integers(-(10**12), 10**12))
def test_a_measured_time_never_lies_in_the_future(arrived: int, device_time: int, ahead: int) -> None:
    found = timed(Claim(arrived, device_time, ahead))
    assert found is not None
    assert found.measured <= arrived + AHEAD_MS
    assert found.measured >= 0
    assert (found.measured == device_time - ahead) if found.sure else (found.measured == arrived)


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


HOUR, DAY = 3_600_000, 86_400_000
ARRIVED = Timed(T0, quality=ClockQuality.ARRIVAL)


def burst(*ages: int | None, basis: Basis = Basis.ZONE, ends: bool = True) -> list[Timed]:
    """The times of readings that arrive at T0 and are that old by the device's clock; None: it was never set."""
    none = Trust(Basis.NONE)
    claims = [Claim(T0, trust=none) if age is None else Claim(T0, T0 - age, trust=Trust(basis)) for age in ages]
    assert all(timed(claim) is None for claim in claims)
    return settled(claims, ends=ends)


@pytest.mark.parametrize("age", [-2 * HOUR, -HOUR, 8 * HOUR, HOUR + 2000, HOUR // 2, 5 * 365 * DAY, -365 * DAY, None])
@pytest.mark.parametrize("basis", [Basis.ZONE, Basis.GUESS])
def test_a_fresh_reading_whose_time_cannot_be_counts_as_of_its_arrival_marked(age: int | None, basis: Basis) -> None:
    assert burst(age, basis=basis) == [ARRIVED]


def test_a_reading_that_agrees_with_our_clock_is_sure_at_once() -> None:
    for basis in (Basis.ZONE, Basis.GUESS):
        assert timed(Claim(T0, T0 - 2000, trust=Trust(basis))) == Timed(T0 - 2000)


def test_an_old_reading_keeps_the_homes_time_or_is_unsure_without_a_zone() -> None:
    age = 2 * HOUR + 17 * 60_000
    assert burst(age) == [Timed(T0 - age)]
    assert burst(age, basis=Basis.GUESS) == [Timed(T0 - age, sure=False)]


def test_of_a_memory_only_the_newest_can_be_fresh() -> None:
    assert burst(None, None, None) == [Timed(T0, sure=False)] * 2 + [ARRIVED]
    old = [5 * 365 * DAY + n for n in range(3)]
    assert burst(*old) == [Timed(T0, sure=False)] * 2 + [ARRIVED]
    assert burst(old[0], -HOUR, ends=False) == [Timed(T0 - old[0]), Timed(T0, sure=False)]


def test_the_others_of_a_clock_that_is_wrong_are_unsure_too() -> None:
    assert burst(DAY + 17 * 60_000, -2 * HOUR) == [Timed(T0 - DAY - 17 * 60_000, sure=False), ARRIVED]


@pytest.mark.parametrize("basis", list(Basis))
def test_what_the_device_says_is_from_its_memory_is_never_fresh(basis: Basis) -> None:
    trust = Trust(basis, memory=True)
    assert Trust.of(trust.code) == trust
    for age in (-2 * HOUR, 0, HOUR, 400 * DAY):
        found = timed(Claim(T0, T0 - age, trust=trust))
        assert found is not None
        assert found.quality is ClockQuality.SURE
        assert found.sure == (basis in {Basis.KNOWN, Basis.ZONE} and 0 <= age <= (400 if basis is Basis.KNOWN else 30) * DAY)

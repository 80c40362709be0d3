"""Which senders are accepted, and the reasons against the others."""

from __future__ import annotations

import pytest

from devices.wire.batch import Kind
from devices.wire.control import Consent, Enrolled, Enrolment, Facts
from devices.wire.event import Heartbeat
from streams.engine.testing import PatientLog, Record, control_record
from tests.streams.engine.admission.sent import NOW, reasons, sent


def test_a_patient_of_whom_the_log_knows_nothing_is_not_enrolled() -> None:
    writes = PatientLog().append(sent(patient=65), Record(NOW, Kind.EVENT, 65, 0, 3, event=Heartbeat(NOW)))
    assert reasons(writes) == [(-1, "sender not enrolled")] * 2
    assert not writes.accepted.any()
    assert not writes.events


@pytest.mark.parametrize("who", [{"device": 8}, {"gateway": 4}, {"device": 0, "gateway": 4}])
def test_an_unknown_device_or_gateway_is_not_enrolled(who: dict[str, int]) -> None:
    assert reasons(PatientLog().append(sent(**who))) == [(-1, "sender not enrolled")]


def test_the_desk_and_the_gateway_itself_may_speak_for_an_enrolled_patient() -> None:
    writes = PatientLog().append(sent(gateway=0), sent(device=0), sent(device=0, gateway=0))
    assert not writes.rejected
    assert writes.accepted.all()


def test_withdrawn_consent_refuses_what_follows_and_nothing_before() -> None:
    it = PatientLog()
    writes = it.append(
        sent(),
        control_record(NOW, 1, Consent(False, NOW), 10),
        sent(),
        control_record(NOW, 1, Consent(True, NOW), 11),
        sent(),
    )
    assert reasons(writes) == [(-1, "consent withdrawn")]
    assert writes.accepted.tolist() == [True, False, True]


def test_a_revoked_key_refuses_only_its_own_records() -> None:
    it = PatientLog()
    it.control(Enrolment((Enrolled(7, 3, 0),), (3,), (5,)))
    writes = it.append(sent(key=5), sent(key=6))
    assert reasons(writes) == [(-1, "key revoked")]


def test_a_device_enrolled_later_in_the_same_round_counts_from_there() -> None:
    it = PatientLog()
    writes = it.append(
        sent(device=9), control_record(NOW, 1, Enrolment((Enrolled(7, 3, 0), Enrolled(9, 3, 0)), (3,)), 10), sent(device=9)
    )
    assert writes.accepted.tolist() == [False, True]


def test_a_control_record_is_taken_once_for_each_epoch_of_the_desk() -> None:
    it, facts = PatientLog(), Facts()
    first = it.append(
        control_record(NOW, 1, facts, 20, epoch=1),
        control_record(NOW, 1, facts, 20, epoch=1),
        control_record(NOW, 1, facts, 19, epoch=1),
    )
    assert [at for at, _ in first.controls] == [0]
    assert not first.rejected
    assert len(it.append(control_record(NOW, 1, facts, 3, epoch=2)).controls) == 1


def test_a_gateway_cannot_tell_the_engine_anything() -> None:
    writes = PatientLog().append(control_record(NOW, 1, Consent(False, 0), 99, gateway=3))
    assert reasons(writes) == [(-1, "not from the desk")]
    assert not writes.controls

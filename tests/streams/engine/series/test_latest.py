"""The newest value of a series does not depend on where the log is cut."""

from __future__ import annotations

from dataclasses import replace

from devices.vitals import Vital
from devices.wire.batch import Kind
from streams.engine.testing import START, PatientLog, Record


def test_of_a_reading_that_was_sent_twice_the_first_copy_says_when_it_arrived() -> None:
    it = PatientLog()
    sample = (START * 1000, 97.0, int(Vital.SPO2), 0, 0)
    first = Record(START * 1000 + 100, Kind.SAMPLES, it.patient, it.device, it.gateway, samples=(sample,))
    written = it.append(first, replace(first, append=START * 1000 + 900))
    assert written.latest["arrived"].tolist() == [START * 1000 + 100]

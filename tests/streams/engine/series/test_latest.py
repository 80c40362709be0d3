"""The newest value of a series does not depend on where the log is cut."""

from __future__ import annotations

from dataclasses import replace

from devices.vitals import Vital
from devices.wire.batch import Kind
from tests.streams.engine.log import START, Home, Rec


def test_of_a_reading_that_was_sent_twice_the_first_copy_says_when_it_arrived() -> None:
    it = Home()
    sample = (START * 1000, 97.0, int(Vital.SPO2), 0, 0)
    first = Rec(START * 1000 + 100, Kind.SAMPLES, it.patient, it.device, it.gateway, samples=(sample,))
    written = it.put(first, replace(first, append=START * 1000 + 900))
    assert written.latest["arrived"].tolist() == [START * 1000 + 100]

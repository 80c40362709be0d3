"""What the session makes of values one after the other."""

from __future__ import annotations

from devices.gatt.profiles import decode
from devices.sample import Status
from devices.wire.pairing import Assigned
from gateway.metrics import Metrics
from gateway.sources.ble_session import Session
from gateway.sources.intake import Intake
from tests.gateway.making import HandClock


def test_a_jump_of_a_stream_is_stored_as_an_artefact() -> None:
    clock = HandClock()
    intake = Intake(Assigned(7, 1, 0, "ble", "A"), None, clock, Metrics())  # type: ignore[arg-type]
    session, found = Session(intake, clock, Metrics()), []
    for rate in (70, 150, 151):
        arrived = clock.tick()
        received = session._claimed(decode(0x2A37, bytes((0, rate)), arrived.wall), arrived)
        found.append(Status(int(received.decoded.samples["status"][0])))
    assert found == [Status.OK, Status.ARTEFACT, Status.OK]

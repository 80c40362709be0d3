"""The devices that a patient wears."""

from __future__ import annotations

from typing import Final

from devices.wire.control import Enrolled, Enrolment

SOON: Final = 30
"""s by which the desk's clock may be ahead of the log's: an enrolment that it ends now is over now."""


def worn(control: Enrolment, now: int) -> dict[int, Enrolled]:
    """The devices worn from second ``now`` on, by number."""
    return {one.device: one for one in control.devices if one.until is None or one.until > (now + SOON) * 1000}

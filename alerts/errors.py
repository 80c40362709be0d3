"""What the alarm room refuses, and what to do about it.

AlertError
├── UnknownAlarmError      no such alarm (any more)
├── ConflictError          somebody was first
├── RefusedError           the act is not possible on this alarm as it stands
├── CareError
│   ├── UnknownRecordError     no such patient, gateway, device, team or person
│   ├── ClaimError             a claim code that is unknown, used or too old
│   ├── DeviceTakenError       the device is somebody else's now
│   ├── InvalidEnrolmentError  an enrolment whose times do not fit
│   ├── InvalidLimitsError     limits that contradict themselves
│   ├── InvalidPauseError      a pause without reason, or too long
│   └── InvalidPersonError     a sign-in that is taken, a password too short, a role nobody knows
├── ChannelError           a channel did not take a message
└── RelayError             control records did not reach the log; they wait
"""

from __future__ import annotations

from datetime import datetime


class AlertError(Exception):
    """Anything the alarm room refuses; the message is one sentence that says what to do."""


class UnknownAlarmError(AlertError):
    def __init__(self, alarm: int) -> None:
        super().__init__(f"There is no alarm {alarm}: read the list again.")
        self.alarm = alarm


class ConflictError(AlertError):
    """``who`` is the person who was first (0: the system, because the condition changed), ``when`` in UTC, ``what`` the
    kind of the alarm event.
    """

    def __init__(self, alarm: int, who: int, when: datetime, what: str) -> None:
        actor = f"person {who}" if who else "the patient's condition"
        super().__init__(f"{actor} was first ({what}, {when:%H:%M:%S} UTC): look at the alarm again.")
        self.alarm, self.who, self.when, self.what = alarm, who, when, what


class RefusedError(AlertError):
    """The act is not possible on this alarm as it stands, or not in this form."""


class CareError(AlertError):
    """A change to who is watched, by whom or how, that cannot be made."""


class UnknownRecordError(CareError):
    def __init__(self, kind: str, number: int) -> None:
        super().__init__(f"There is no {kind} {number}.")
        self.kind, self.number = kind, number


class ClaimError(CareError):
    def __init__(self) -> None:
        super().__init__("This claim code is not valid (any more): make a new one at the desk.")


class DeviceTakenError(CareError):
    def __init__(self, device: int, patient: int) -> None:
        super().__init__(f"Device {device} is enrolled for patient {patient}: transfer it, or end that enrolment first.")
        self.device, self.patient = device, patient


class InvalidEnrolmentError(CareError):
    """An enrolment that begins before the device's last one ended, or ends before it began."""


class InvalidLimitsError(CareError):
    """Limits that contradict themselves or name no vital."""


class InvalidPauseError(CareError):
    """A pause without reason, already over, or longer than allowed."""


class InvalidPersonError(CareError):
    """A person who cannot be added so."""


class ChannelError(AlertError):
    """A channel did not take a message; ``reason`` goes to the notification's row and holds no patient data."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"channel {channel}: {reason}")
        self.channel, self.reason = channel, reason


class RelayError(AlertError):
    """Some control records did not reach the log; they wait and are sent again.  ``sent`` did."""

    def __init__(self, reason: str, sent: int) -> None:
        super().__init__(f"Control records did not reach the log ({reason}): check that Kafka runs.")
        self.reason, self.sent = reason, sent

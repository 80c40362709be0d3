"""The errors of this package; each message says what to do.

AlertError
├── UnknownAlarmError      there is no such alarm
├── ConflictError          somebody acted first
├── RefusedError           this alarm does not allow the act now
├── CareError
│   ├── UnknownRecordError     no such patient, gateway, device, team or person
│   ├── PairingError           a leaflet or a step of pairing that cannot be
│   ├── ClaimError             the claim code is unknown, used or too old
│   ├── DeviceTakenError       the device is enrolled for another patient
│   ├── InvalidControlError    the values of a change are out of range
│   ├── DuplicateRecordError   another patient has this record number
│   ├── NotInCareError         the patient is discharged
│   ├── InCareError            the patient is in care already
│   ├── UnfinishedWorkError    the patient has alarms that nobody has acknowledged
│   ├── InvalidTeamError       the team's name is taken, or there is no such channel
│   ├── InvalidEnrolmentError  the times of the enrolment do not fit
│   ├── InvalidIdentityError   the date of birth is none
│   ├── InvalidImportError     a file of patients cannot be read at all
│   ├── InvalidLimitsError     the limits contradict each other
│   ├── InvalidPauseError      the pause has no reason, or is too long
│   ├── InvalidPersonError     the sign-in is taken, the password too short, or the role unknown
│   ├── UnknownZoneError       there is no such time zone
│   ├── InvalidTextError       a text is blank, too long, or cannot be stored
│   └── UnreadableIdentityError  a stored identity is damaged
├── ChannelError           a channel did not take a message
└── RelayError             control records did not reach the log; they are sent again
"""

from __future__ import annotations

from datetime import datetime


class AlertError(Exception):
    """The base of all errors of this package."""


class UnknownAlarmError(AlertError):
    def __init__(self, alarm: int) -> None:
        super().__init__(f"There is no alarm {alarm}: update the list.")
        self.alarm = alarm


class ConflictError(AlertError):
    """``actor`` is the person who acted first (0: the system, because the condition changed), ``at`` in UTC, ``kind`` the
    kind of the history entry.
    """

    def __init__(self, alarm: int, actor: int, at: datetime, kind: str) -> None:
        name = f"person {actor}" if actor else "the patient's condition"
        super().__init__(f"{name} was first ({kind}, {at:%H:%M:%S} UTC): look at the alarm again.")
        self.alarm, self.actor, self.at, self.kind = alarm, actor, at, kind


class RefusedError(AlertError):
    """The alarm does not allow the act now, or not in this form."""


class CareError(AlertError):
    """A change of patients, devices, people or limits that cannot be made."""


class UnknownRecordError(CareError):
    def __init__(self, kind: str, number: int) -> None:
        super().__init__(f"There is no {kind} {number}.")
        self.kind, self.number = kind, number


class ClaimError(CareError):
    def __init__(self) -> None:
        super().__init__("This claim code is not valid: make a new one at the desk.")


class PairingError(CareError):
    """A leaflet that cannot be made, or a step of the patient's page that cannot be done now."""


class DeviceTakenError(CareError):
    def __init__(self, device: int, patient: int) -> None:
        super().__init__(f"Device {device} is enrolled for patient {patient}: transfer it, or end that enrolment first.")
        self.device, self.patient = device, patient


class InvalidControlError(CareError):
    """A change whose values the engine would refuse."""


class InvalidIdentityError(CareError):
    """An identity whose date of birth is none."""


class UnknownZoneError(CareError):
    def __init__(self, zone: str) -> None:
        super().__init__(f"There is no time zone {zone!r}: name one such as Europe/Berlin.")
        self.zone = zone


class InvalidTextError(CareError):
    """A text that is blank, too long, or holds characters that cannot be stored."""


class UnreadableIdentityError(CareError):
    """The stored identity of a patient opens, and what is in it is none."""

    def __init__(self, patient: int) -> None:
        super().__init__(f"The identity of patient {patient} cannot be read: enter it again.")
        self.patient = patient


class DuplicateRecordError(CareError):
    """``patient`` has the record number already; ``discharged`` if they are not in care now."""

    def __init__(self, patient: int, *, discharged: bool) -> None:
        cure = f"vigil patient readmit {patient}" if discharged else f"vigil patient show {patient}"
        state = ", who is discharged," if discharged else ""
        super().__init__(f"Patient {patient}{state} has this record number already: check it, and see {cure}.")
        self.patient, self.discharged = patient, discharged


class NotInCareError(CareError):
    def __init__(self, patient: int, since: datetime) -> None:
        super().__init__(f"Patient {patient} was discharged on {since:%Y-%m-%d}: first run vigil patient readmit {patient}.")
        self.patient, self.since = patient, since


class InCareError(CareError):
    def __init__(self, patient: int) -> None:
        super().__init__(f"Patient {patient} is in care: there is nothing to undo.")
        self.patient = patient


class UnfinishedWorkError(CareError):
    def __init__(self, patient: int, alarms: int) -> None:
        super().__init__(f"Patient {patient} has {alarms} alarms that nobody acknowledged: act on them at the desk first.")
        self.patient, self.alarms = patient, alarms


class InvalidTeamError(CareError):
    """A team's name that is taken, or a channel that the notifier does not have."""


class InvalidEnrolmentError(CareError):
    """An enrolment that begins before the device's last one ended, or ends before it began."""


class InvalidImportError(CareError):
    """A file of patients of which no line can be read: it is no text, or its first line names the wrong columns."""


class InvalidLimitsError(CareError):
    """Limits that contradict each other or name no vital."""


class InvalidPauseError(CareError):
    """A pause without reason, already over, or longer than allowed."""


class InvalidPersonError(CareError):
    """A sign-in, role or password that cannot be used."""


class ChannelError(AlertError):
    """A channel did not take a message; ``reason`` goes to the notification's row and holds no patient data."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"channel {channel}: {reason}")
        self.channel, self.reason = channel, reason


class RelayError(AlertError):
    """Some control records did not reach the log; they are sent again.  ``sent``: the number that did."""

    def __init__(self, reason: str, sent: int) -> None:
        super().__init__(f"Control records did not reach the log ({reason}): check that Kafka runs.")
        self.reason, self.sent = reason, sent

"""The errors of the desk; each message is one sentence that says what to do.

DeskError
├── NotSignedInError      401: no session, or it has ended
├── NotYoursError         404: no such patient or alarm, or it belongs to another care team
├── NotAllowedError       403: the person's role may not do this, or the form's token is missing
├── TooManyTriesError     429: wait ``retry_s`` seconds
└── BadFormError          422: ``problems`` maps a field to its correction
"""

from __future__ import annotations

from collections.abc import Mapping


class DeskError(Exception):
    """The base of the desk's errors; ``status`` is the HTTP status of the answer."""

    status = 400


class NotSignedInError(DeskError):
    status = 401

    def __init__(self) -> None:
        super().__init__("This session has ended: sign in again.")


class NotYoursError(DeskError):
    """One answer for two cases: it does not exist, or it belongs to another care team."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such patient in your care teams: go back to the worklist.")


class NotAllowedError(DeskError):
    status = 403

    def __init__(self, message: str = "This form does not belong to your session: reload the page and try again.") -> None:
        super().__init__(message)


class TooManyTriesError(DeskError):
    status = 429

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"Too many tries: wait {retry_s} seconds and try again.")
        self.retry_s = retry_s


class BadFormError(DeskError):
    status = 422

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)

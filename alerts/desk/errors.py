"""What can go wrong at the desk; each message is one sentence that a person can act on.

DeskError
├── NotSignedInError      401: no session, or it has ended
├── NotYoursError         404: no such patient or alarm, or one of another care team
├── NotAllowedError       403: the person's role does not do this, or the form's token is missing
├── TooManyTriesError     429: wait ``retry_s`` seconds
└── BadFormError          422: ``problems`` maps a field to what to put right
"""

from __future__ import annotations

from collections.abc import Mapping


class DeskError(Exception):
    """Anything the desk refuses; ``status`` is the HTTP status it answers with."""

    status = 400


class NotSignedInError(DeskError):
    status = 401

    def __init__(self) -> None:
        super().__init__("Sign in again: this session has ended.")


class NotYoursError(DeskError):
    """The same answer whether it does not exist or belongs to another care team."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such patient in your care teams: go back to the worklist.")


class NotAllowedError(DeskError):
    status = 403

    def __init__(self, what: str = "Reload the page and try again: this form was not made for your session.") -> None:
        super().__init__(what)


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

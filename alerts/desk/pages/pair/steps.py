"""The screens of a pairing and the ways between them; pure.

The database keeps the screen that a patient has come to, so the link may be closed and opened again at any moment.  What has
changed meanwhile wins: without consent nobody comes further than the consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from alerts.care.device_kinds import KINDS, Kind

Step = Literal["whose", "other", "consent", "declined", "kind", "wear", "find", "receipt", "mine"]
STEPS: Final[tuple[Step, ...]] = get_args(Step)
NUMBER: Final[dict[Step, int]] = {"whose": 1, "consent": 2, "kind": 3, "wear": 3, "find": 4, "receipt": 5}
"""Which of the five a screen is; the others are beside the way."""
_ANSWERS: Final[dict[tuple[Step, str], Step]] = {
    ("whose", "me"): "consent",
    ("whose", "help"): "consent",
    ("whose", "other"): "other",
    ("consent", "decline"): "declined",
    ("declined", "again"): "consent",
    ("wear", "on"): "find",
    ("find", "look"): "find",
    ("find", "choose"): "receipt",
    ("find", "user"): "receipt",
    ("receipt", "mine"): "mine",
    ("mine", "add"): "kind",
    ("mine", "consent"): "consent",
}
_BEFORE: Final[dict[Step, Step]] = {
    "other": "whose", "consent": "whose", "declined": "consent", "kind": "consent", "wear": "kind", "find": "wear",
    "receipt": "find",
}  # fmt: skip
_AFTER_CONSENT: Final[frozenset[Step]] = frozenset({"kind", "wear", "find", "receipt"})


@dataclass(frozen=True, slots=True)
class Progress:
    """The known facts of one pairing.  ``asked_kind``: the leaflet named none, or another device is added; ``finished``: the
    ward has received something once.
    """

    step: Step
    consented: bool = False
    kind: Kind | None = None
    asked_kind: bool = True
    chosen: bool = False
    finished: bool = False


def step_of(word: str) -> Step:
    """The screen of a stored word; of one that a newer version wrote, the first."""
    return next((one for one in STEPS if one == word), "whose")


def shown(progress: Progress) -> Step:
    """The screen that is shown."""
    step = progress.step
    if step in _AFTER_CONSENT and not progress.consented:
        return "mine" if progress.finished else "consent"
    if step == "receipt" and not progress.chosen:
        return "find"
    if step in {"wear", "find"} and progress.kind is None:
        return "kind"
    return "whose" if step == "mine" and not progress.finished else step


def after(progress: Progress, answer: str) -> Step | None:
    """The screen after an answer on the one that is shown; ``None`` if that is no answer to it.

    ``back`` is an answer of every screen that has something before it.
    """
    step = shown(progress)
    if answer == "back":
        return before(progress)
    if step == "kind":
        return "wear" if answer in KINDS else None
    if (step, answer) == ("consent", "agree"):
        return "mine" if progress.finished else "kind" if progress.kind is None else "wear"
    if (step, answer, progress.consented) in {("mine", "add", False), ("mine", "consent", True)}:
        return None
    if answer == "mine" and not progress.finished:
        return None
    return _ANSWERS.get((step, answer))


def before(progress: Progress) -> Step | None:
    """The screen before the one that is shown: the one way back."""
    step = shown(progress)
    if step in {"consent", "kind"} and progress.finished:
        return "mine"
    if step == "wear" and not progress.asked_kind:
        return "consent"
    return _BEFORE.get(step)

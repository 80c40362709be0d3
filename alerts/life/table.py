"""The life of an alarm as a table: state × event → state.

:func:`alerts.life.transition.transition` reads it, and `docs/alarms.md` has it with its diagram; a test compares them.
Who may act, texts and times are the transition's; which state follows is decided here and nowhere else.
"""

from __future__ import annotations

from typing import Final, Literal

from alerts.life.alarm import State

Event = Literal["begins", "worse", "better", "ends", "acknowledge", "outcome", "shelve", "unshelve", "due", "note"]
"""``begins``: the condition is true again; ``due``: the alarm's own time has come."""
Guard = Literal["", "was high", "worse than taken", "stands", "ended lately"]
"""Branches are looked at in their order; the one without a guard is last.

``was high``: the highest priority since somebody last acted.  ``worse than taken``: a higher priority than was taken, or a
score two points above it.  ``stands``: the condition is true.  ``ended lately``: it ended within the time in which a new
onset is the same alarm.
"""
Branch = tuple[Guard, State]

_TAKE: Final[tuple[Branch, ...]] = (("ended lately", "recovered"), ("", "closed"))
_SHELF_ENDS: Final[tuple[Branch, ...]] = (("stands", "active"), *_TAKE)

LIFE: Final[dict[State, dict[Event, tuple[Branch, ...]]]] = {
    "active": {
        "worse": (("", "active"),),
        "better": (("", "active"),),
        "ends": (("was high", "latched"), ("", "cleared")),
        "acknowledge": (("", "acknowledged"),),
        "outcome": (("", "acknowledged"),),
        "shelve": (("", "shelved"),),
        "note": (("", "active"),),
    },
    "cleared": {
        "begins": (("", "active"),),
        "acknowledge": _TAKE,
        "outcome": _TAKE,
        "shelve": (("", "shelved"),),
        "due": (("", "closed"),),
        "note": (("", "cleared"),),
    },
    "latched": {
        "begins": (("", "active"),),
        "acknowledge": _TAKE,
        "outcome": _TAKE,
        "shelve": (("", "shelved"),),
        "note": (("", "latched"),),
    },
    "acknowledged": {
        "worse": (("worse than taken", "active"), ("", "acknowledged")),
        "better": (("", "acknowledged"),),
        "ends": (("", "recovered"),),
        "acknowledge": (("", "acknowledged"),),
        "outcome": (("", "acknowledged"),),
        "shelve": (("", "shelved"),),
        "due": (("", "active"),),
        "note": (("", "acknowledged"),),
    },
    "recovered": {
        "begins": (("worse than taken", "active"), ("", "acknowledged")),
        "acknowledge": (("", "recovered"),),
        "outcome": (("", "recovered"),),
        "shelve": (("", "shelved"),),
        "due": (("", "closed"),),
        "note": (("", "recovered"),),
    },
    "shelved": {
        "begins": (("worse than taken", "active"), ("", "shelved")),
        "worse": (("worse than taken", "active"), ("", "shelved")),
        "better": (("", "shelved"),),
        "ends": (("", "shelved"),),
        "acknowledge": (("stands", "acknowledged"), *_TAKE),
        "outcome": (("", "shelved"),),
        "unshelve": _SHELF_ENDS,
        "due": _SHELF_ENDS,
        "note": (("", "shelved"),),
    },
    "closed": {
        "outcome": (("", "closed"),),
        "note": (("", "closed"),),
    },
}
"""A pair that is not in the table changes nothing, or is refused."""

MEANING: Final[dict[State, str]] = {
    "active": "the condition is true and nobody has taken the alarm: it calls",
    "cleared": "the condition is over, nobody acted; it closes by itself",
    "latched": "the condition is over, it was high and nobody acted: it stays until somebody has",
    "acknowledged": "somebody has it: silent while it is not worse than they took it",
    "recovered": "somebody has it and the condition is over: it closes unless it soon begins again",
    "shelved": "somebody snoozed it until a time, with a reason",
    "closed": "nothing is left to do; an outcome or a note may still be added",
}


def as_markdown() -> str:
    """The table and its diagram, as `docs/alarms.md` holds them."""
    events: list[Event] = ["begins", "worse", "better", "ends", "acknowledge", "outcome", "shelve", "unshelve", "due"]
    lines = ["| state | " + " | ".join(events) + " |", "|---|" + "---|" * len(events)]
    for state, row in LIFE.items():
        lines.append(f"| **{state}** | " + " | ".join(_cell(row.get(event, ()), state) for event in events) + " |")
    lines += ["", *(f"- **{state}**: {meaning}." for state, meaning in MEANING.items())]
    lines += ["", "```mermaid", "stateDiagram-v2", "    [*] --> active: begins"]
    for state, row in LIFE.items():
        arrows: dict[State, list[str]] = {}
        for event, branches in row.items():
            for guard, after in branches:
                if after != state:
                    arrows.setdefault(after, []).append(f"{event}, {guard}" if guard else event)
        lines += [f"    {state} --> {after}: {' / '.join(labels)}" for after, labels in arrows.items()]
    return "\n".join([*lines, "    closed --> [*]", "```", ""])


def _cell(branches: tuple[Branch, ...], state: State) -> str:
    return "; ".join(f"{guard}: {after}" if guard else "·" if after == state else after for guard, after in branches)


if __name__ == "__main__":
    print(as_markdown())  # noqa: T201

"""A patient's NEWS2 as the desk shows it: computed now from the newest valid values, with the engine's own rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from alerts.desk.worklist.cells import newest
from alerts.desk.worklist.snapshot import Patient, Snapshot, Value
from alerts.desk.worklist.words import number, unit_of
from alerts.rules.newest_usable import usable
from alerts.rules.news2.score import INPUTS, VALIDITY_S, News2, Refused, score
from devices.vitals import Vital

_NAMES: Final = {
    "respiratory_rate": ("Respiration", "RR"),
    "spo2": ("SpO₂", "SpO₂"),
    "oxygen": ("Air or oxygen", "O₂"),
    "systolic": ("Systolic BP", "BP"),
    "pulse": ("Pulse", "HR"),
    "consciousness": ("Consciousness", "ACVPU"),
    "temperature": ("Temperature", "Temp"),
}
"""The name of each input in the panel, and its short name in a row."""
_VITALS: Final = {
    **{v.name.lower(): v for v in (Vital.RESPIRATORY_RATE, Vital.SPO2, Vital.SYSTOLIC, Vital.TEMPERATURE)},
    "pulse": Vital.HEART_RATE,
}
RESPONSE: Final = {
    "high": "emergency assessment, continuous monitoring",
    "medium": "urgent review",
    "low-medium": "one input scores 3: review within the hour",
    "low": "a nurse assesses",
    "none": "routine observation",
}
"""NEWS2 chart 4, in short."""


@dataclass(frozen=True, slots=True)
class Score:
    """``text``: "≥9", "5", or "–"; ``risk``: proven, or empty; ``missing``: short names of inputs."""

    text: str
    risk: str
    missing: tuple[str, ...]
    have: int
    refusal: str = ""  # the reason if there is no score


@dataclass(frozen=True, slots=True)
class Input:
    """One line of the panel."""

    name: str
    value: str
    at: int | None
    points: str  # "?" missing
    stale: bool = False
    fact: str = ""  # its name, of an input that people enter


def _inputs(snapshot: Snapshot, patient: Patient) -> dict[str, Value]:
    """The values that the rule counts, by input; how long each does is the score's business."""
    found = {name: newest(snapshot, patient, vital) for name, vital in _VITALS.items()}
    return {name: v for name, v in found.items() if v is not None and usable(v)}


def _result(snapshot: Snapshot, patient: Patient) -> News2 | Refused:
    inputs = _inputs(snapshot, patient)
    ages = {name: max(0, (snapshot.read_at - v.at) // 1000) for name, v in inputs.items()}
    on = datetime.fromtimestamp(snapshot.read_at / 1000, UTC).date()
    return score({name: v.value for name, v in inputs.items() if v.value is not None}, patient.facts, on=on, ages_s=ages)


def score_of(snapshot: Snapshot, patient: Patient) -> Score:
    """The score in the NEWS2 column of a row."""
    return _score(_result(snapshot, patient))


def _score(result: News2 | Refused) -> Score:
    missing = tuple(_NAMES[name][1] for name in result.missing)
    if isinstance(result, Refused):
        return Score("–", "", missing, len(INPUTS) - len(missing) if missing else 0, result.reason)
    text = f"≥{result.total}" if missing else str(result.total)
    risk = result.risk or ""
    return Score(text, "single 3" if risk == "low-medium" else risk, missing, len(result.parts))


def panel(snapshot: Snapshot, patient: Patient) -> tuple[Score, str, list[Input]]:
    """The NEWS2 panel: score, the response it asks for, and each input with value, age and points."""
    result, inputs = _result(snapshot, patient), _inputs(snapshot, patient)
    parts = {} if isinstance(result, Refused) else result.parts
    lines = []
    for name in INPUTS:
        points = str(parts[name]) if name in parts else "?"
        label = _NAMES[name][0] + (f", scale {patient.facts.spo2_scale}" if name == "spo2" else "")
        if name in ("oxygen", "consciousness"):
            lines.append(Input(label, _fact(name, patient), None, points, fact=name))
            continue
        value = inputs.get(name)
        if value is None or value.value is None:
            lines.append(Input(label, "–", None, points))
            continue
        shown = f"{number(value.vital, value.value)} {unit_of(value.vital)}"
        lines.append(Input(label, shown, value.at, points, snapshot.read_at - value.at > VALIDITY_S[name] * 1000))
    response = "" if isinstance(result, Refused) or not result.risk else RESPONSE[result.risk]
    return _score(result), response, lines


def _fact(name: str, patient: Patient) -> str:
    if name == "oxygen":
        return "–" if patient.facts.oxygen is None else "oxygen" if patient.facts.oxygen else "air"
    return patient.facts.consciousness or "–"

"""Glucose Measurement Context (2A34): the meal, the exercise and the medicine around one glucose value.

Source: Bluetooth SIG, Glucose Service 1.0.1, section 3.2 and GATT Specification Supplement, Glucose Measurement Context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.gatt.fields import Fields
from devices.gatt.numbers import Number
from devices.wire.event import GlucoseContext

GLUCOSE_CONTEXT: Final = 0x2A34

_CARBOHYDRATES: Final = ("", "breakfast", "lunch", "dinner", "snack", "drink", "supper", "brunch")
_MEALS: Final = ("", "before meal", "after meal", "fasting", "casual", "bedtime")
_TESTERS: Final = {1: "self", 2: "health care professional", 3: "lab"}
_HEALTH: Final = {
    1: "minor health issues",
    2: "major health issues",
    3: "during menses",
    4: "under stress",
    5: "no health issues",
}
_MEDICINES: Final = (
    "", "rapid acting insulin", "short acting insulin", "intermediate acting insulin", "long acting insulin",
    "pre-mixed insulin",
)  # fmt: skip
_OVERRUN: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class GlucoseContextFields:
    """The fields as sent; a field that the message does not hold is None.

    ``carbohydrate`` in kg, ``exercise`` in s (0xFFFF: longer than can be sent), ``intensity`` in %, ``medication`` in
    ``unit``, ``hba1c`` in %.
    """

    sequence: int
    extended: int | None
    carbohydrate_id: int | None
    carbohydrate: Number | None
    meal: int | None
    tester: int | None
    health: int | None
    exercise: int | None
    intensity: int | None
    medication_id: int | None
    medication: Number | None
    unit: Literal["kg", "L"]
    hba1c: Number | None


def parse_glucose_context(data: bytes) -> GlucoseContextFields:
    """Parse one context as sent."""
    fields = Fields("glucose measurement context", data)
    flags, sequence = fields.unsigned("flags", 1), fields.unsigned("sequence number", 2)
    extended = fields.unsigned("extended flags", 1) if flags & 0x80 else None
    eaten, amount = None, None
    if flags & 0x01:
        eaten, amount = fields.unsigned("carbohydrate ID", 1), fields.sfloat("carbohydrate")
    meal = fields.unsigned("meal", 1) if flags & 0x02 else None
    person = fields.unsigned("tester and health", 1) if flags & 0x04 else None
    exercise, intensity = None, None
    if flags & 0x08:
        exercise, intensity = fields.unsigned("exercise duration", 2), fields.unsigned("exercise intensity", 1)
    medicine, dose = None, None
    if flags & 0x10:
        medicine, dose = fields.unsigned("medication ID", 1), fields.sfloat("medication")
    return GlucoseContextFields(
        sequence=sequence,
        extended=extended,
        carbohydrate_id=eaten,
        carbohydrate=amount,
        meal=meal,
        tester=None if person is None else person & 0x0F,
        health=None if person is None else person >> 4,
        exercise=exercise,
        intensity=intensity,
        medication_id=medicine,
        medication=dose,
        unit="L" if flags & 0x20 else "kg",
        hba1c=fields.sfloat("HbA1c") if flags & 0x40 else None,
    )


def context_event(found: GlucoseContextFields) -> GlucoseContext:
    """The event that keeps the context beside its value: codes in words, amounts in g, min, % and mg or mL.

    What is reserved, special or out of range is left out.
    """
    return GlucoseContext(
        at=0,
        record=found.sequence,
        carbohydrate=_word(_CARBOHYDRATES, found.carbohydrate_id),
        carbohydrate_g=_amount(found.carbohydrate, 1e3),
        meal=_word(_MEALS, found.meal),
        tester=_TESTERS.get(found.tester or 0),
        health=_HEALTH.get(found.health or 0),
        exercise_min=None if found.exercise in (None, _OVERRUN) else round((found.exercise or 0) / 60, 2),
        intensity_percent=found.intensity if found.intensity is not None and found.intensity <= 100 else None,
        medication=_word(_MEDICINES, found.medication_id),
        medication_mg=_amount(found.medication, 1e6) if found.unit == "kg" else None,
        medication_ml=_amount(found.medication, 1e3) if found.unit == "L" else None,
        hba1c_percent=_amount(found.hba1c, 1),
    )


def _word(words: tuple[str, ...], code: int | None) -> str | None:
    return words[code] or None if code is not None and code < len(words) else None


def _amount(number: Number | None, factor: float) -> float | None:
    if number is None or number.value is None:
        return None
    amount = round(number.value * factor, 6)
    return amount if 0 <= amount <= 1e6 else None

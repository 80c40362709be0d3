"""A patient asks the ward to call: one item of the worklist, until somebody has called or it is not needed any more.

The condition is a person's, not the engine's: the desk folds it as the engine's are folded (docs/decisions/0211).
"""

from __future__ import annotations

from typing import Final, Literal

from alerts.database import Tx, now, scalar, scalars
from alerts.fold.fold import fold_conditions
from devices.wire.batch import partition_of
from streams.engine.condition import CALL_BACK, Condition, Phase, Priority

Need = Literal["not_me", "no_light", "no_device", "gateway", "no_sample", "withdrew", "other"]
WORDS: Final[dict[Need, str]] = {
    "not_me": "the leaflet reached somebody else",
    "no_light": "the device shows no light",
    "no_device": "no device was found",
    "gateway": "the box in the home does not answer",
    "no_sample": "the device is connected and no value came",
    "withdrew": "has withdrawn the consent: nothing is received any more",
    "other": "has a question",
}
_OPEN: Final = """
SELECT source FROM alarm WHERE subject_kind = 'patient' AND subject = %s AND rule = %s AND closed IS NULL"""


def ask_call_back(tx: Tx, patient: int, need: Need) -> bool:
    """Put it on the worklist that this patient waits for a call; False if that stands there already, without an outcome."""
    _hold(tx, patient)
    if scalar(tx, f"{_OPEN} AND outcome IS NULL AND active LIMIT 1", [patient, CALL_BACK]) is not None:
        return False
    ended = [
        _condition(tx, patient, source, "end", "") for source in scalars(tx, f"{_OPEN} AND active", [patient, CALL_BACK])
    ]
    nth = scalar(tx, "SELECT count(*) FROM alarm WHERE subject = %s AND rule = %s", [patient, CALL_BACK]) + 1
    fold_conditions(tx, [*ended, _condition(tx, patient, nth, "onset", WORDS[need])])
    return True


def end_call_back(tx: Tx, patient: int) -> None:
    """It is not needed any more: what nobody has taken leaves the list by itself."""
    if scalar(tx, f"{_OPEN} AND active LIMIT 1", [patient, CALL_BACK]) is None:
        return
    _hold(tx, patient)
    open_now = scalars(tx, f"{_OPEN} AND active", [patient, CALL_BACK])
    fold_conditions(tx, [_condition(tx, patient, source, "end", "") for source in open_now])


def is_waiting(tx: Tx, patient: int) -> bool:
    """True while the patient waits for a call that nobody has made."""
    return scalar(tx, f"{_OPEN} AND outcome IS NULL AND active LIMIT 1", [patient, CALL_BACK]) is not None


def _hold(tx: Tx, patient: int) -> None:
    """Keep the worker from opening alarms of this patient until the transaction ends: it takes these rows first, too."""
    tx.execute("SELECT FROM ledger WHERE partition = %s ORDER BY topic FOR UPDATE", [partition_of(patient)])


def _condition(tx: Tx, patient: int, nth: int, phase: Phase, reason: str) -> Condition:
    return Condition(
        partition_of(patient), int(now(tx).timestamp()), patient, CALL_BACK, nth, phase, Priority.LOW, "technical",
        detail={"reason": reason} if reason else {},
    )  # fmt: skip

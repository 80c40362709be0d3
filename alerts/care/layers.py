"""Sets of rules over the installation's: of a programme, a ward (a care team) or a patient.

All layers of programmes and wards go to every partition with the rule set (``RuleSet.sets``); a patient's record names those
that hold for the patient, and has the patient's own rules (``OwnRules``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from alerts.care.limits import chosen_rule_set, sent_layers
from alerts.care.records import check_in_care, row_of
from alerts.care.rule_sets import checked
from alerts.control.outbox import WHOLE_PARTITION, send, take_turn
from alerts.database import Tx, scalars
from alerts.errors import InvalidLimitsError
from alerts.rules.layers.files import PROGRAMMES, layer_of, text_of
from alerts.rules.layers.merged import layers_of, merged
from devices.wire.control import Layer, OwnRules, RuleSet

Record = dict[str, Any]
_OF: Final = "(programme, team, patient) IS NOT DISTINCT FROM (%s::text, %s::int4, %s::int4)"
_NEWEST: Final = f"SELECT version, source FROM rule_layer WHERE {_OF} ORDER BY version DESC LIMIT 1"
_ALL: Final = """
SELECT DISTINCT ON (l.programme, l.team) l.programme, l.team, t.name, l.source FROM rule_layer l
LEFT JOIN care_team t USING (team) WHERE l.patient IS NULL ORDER BY l.programme, l.team, l.version DESC"""
_HISTORY: Final = f"""
SELECT version, created, coalesce((SELECT sign_in FROM person p WHERE p.person = by_person), '') AS by, reason,
    source = '' AS taken_back FROM rule_layer WHERE {_OF} ORDER BY version DESC"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a layer is: exactly one of these."""

    programme: str | None = None
    team: int | None = None
    patient: int | None = None

    @property
    def key(self) -> list[object]:
        return [self.programme, self.team, self.patient]


def words_of(tx: Tx, owner: Owner) -> str:
    """Whose a layer is, as alarms say it: "programme copd", "ward Cardiology", "patient".

    Raises:
        UnknownRecordError: there is no such care team or patient.
    """
    if owner.programme is not None:
        return programme_words(owner.programme)
    if owner.team is not None:
        (name,) = row_of(tx, "care team", owner.team, "SELECT name FROM care_team WHERE team = %s")
        return ward_words(name)
    check_in_care(tx, owner.patient or 0)
    return "patient"


def programme_words(name: str) -> str:
    return f"programme {name}"


def ward_words(name: str) -> str:
    return f"ward {name}"


def apply_layer(tx: Tx, owner: Owner, text: str, by: int, reason: str) -> int:
    """Make a rule file the layer of its owner (an empty text takes it back) and send it; the version.

    Raises:
        RuleFileError: it has errors.
        UnknownRecordError: there is no such care team or patient.
        InvalidLimitsError: nothing is there to be taken back.
    """
    take_turn(tx)
    words = words_of(tx, owner)
    if text:
        layer_of(checked(text), words)
    row = tx.execute(_NEWEST, owner.key).fetchone()
    if not text and (row is None or not row[1]):
        raise InvalidLimitsError(f"There is no set of {words} that could be taken back.")
    version: int = (row[0] if row else 0) + 1
    tx.execute(
        "INSERT INTO rule_layer (programme, team, patient, version, source, by_person, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [*owner.key, version, text, by, reason],
    )
    if owner.patient is not None:
        send_own_rules(tx, owner.patient, by)
        return version
    send_whole(tx, by)
    if owner.team is not None and version == 1:
        for patient in scalars(tx, "SELECT patient FROM patient WHERE team = %s AND discharged IS NULL", [owner.team]):
            send_own_rules(tx, patient, by)
    return version


def text_in_force(tx: Tx, owner: Owner, version: int | None = None) -> str:
    """The rule file of an owner's layer, the newest one by default; of a programme that nobody has changed Vigil's own.

    Raises:
        InvalidLimitsError: there is none, or no such version.
    """
    query = f"SELECT source FROM rule_layer WHERE {_OF} AND (%s::int4 IS NULL OR version = %s) ORDER BY version DESC LIMIT 1"
    row = tx.execute(query, [*owner.key, version, version]).fetchone()
    if row is not None:
        return str(row[0])
    if version is None and owner.programme in PROGRAMMES:
        return text_of(owner.programme)
    raise InvalidLimitsError("There is no such set: see vigil rules history with the same --programme, --ward or --patient.")


def undo_layer(tx: Tx, owner: Owner, by: int, reason: str) -> int:
    """Apply what was in force before the newest version again; the new version.

    Raises:
        InvalidLimitsError: nothing was applied yet.
    """
    take_turn(tx)
    row = tx.execute(_NEWEST, owner.key).fetchone()
    if row is None:
        raise InvalidLimitsError("Nothing was applied yet, so there is nothing to undo.")
    if row[0] == 1:
        before = text_of(owner.programme) if owner.programme in PROGRAMMES else ""
    else:
        before = text_in_force(tx, owner, row[0] - 1)
    return apply_layer(tx, owner, before, by, reason)


def history_of(tx: Tx, owner: Owner) -> list[Record]:
    """The versions of an owner's layer, the newest first."""
    names: tuple[str, ...] = ("version", "created", "by", "reason", "taken_back")
    return [dict(zip(names, row, strict=True)) for row in tx.execute(_HISTORY, owner.key).fetchall()]


def set_programme(tx: Tx, patient: int, programme: str | None, by: int) -> None:
    """Put a patient into a programme; ``None``: into none.

    Raises:
        InvalidLimitsError: no set is known for the programme.
        UnknownRecordError: there is no such patient.
        NotInCareError: the patient is discharged.
    """
    take_turn(tx)
    check_in_care(tx, patient)
    known = {one.name for one in shared_layers(tx)}
    if programme is not None and programme_words(programme) not in known:
        names = ", ".join(sorted(name.partition(" ")[2] for name in known if name.startswith("programme ")))
        new = f"vigil rules apply FILE --programme {programme}"
        raise InvalidLimitsError(f"There is no programme {programme}: take one of {names}, or make it with {new}.")
    tx.execute("UPDATE patient SET programme = %s WHERE patient = %s", [programme, patient])
    if programme is not None and programme_words(programme) not in {one.name for one in sent_layers(tx)}:
        send_whole(tx, by)
    send_own_rules(tx, patient, by)


def shared_layers(tx: Tx) -> tuple[Layer, ...]:
    """The layers of all programmes and wards that are in force."""
    sources = {programme_words(name): text_of(name) for name in PROGRAMMES}
    for programme, _team, name, source in tx.execute(_ALL).fetchall():
        sources[programme_words(programme) if programme is not None else ward_words(name)] = source
    return tuple(layer_of(checked(source), words) for words, source in sorted(sources.items()) if source)


def send_whole(tx: Tx, by: int) -> None:
    """Send the rule set of the installation with all layers of programmes and wards."""
    send(tx, WHOLE_PARTITION, replace(chosen_rule_set(tx), sets=shared_layers(tx)), by)


def own_rules_of(tx: Tx, patient: int) -> OwnRules:
    """Which layers hold for a patient."""
    query = """SELECT p.programme, t.name, EXISTS (SELECT FROM rule_layer l WHERE l.team = p.team)
        FROM patient p JOIN care_team t USING (team) WHERE patient = %s"""
    programme, ward, has_set = row_of(tx, "patient", patient, query)
    names = [programme_words(programme)] if programme is not None else []
    if has_set:
        names.append(ward_words(ward))
    row = tx.execute(_NEWEST, Owner(patient=patient).key).fetchone()
    own = layer_of(checked(row[1]), "patient") if row and row[1] else None
    return OwnRules(tuple(names), own)


def send_own_rules(tx: Tx, patient: int, by: int) -> None:
    """Send a patient's record: which layers hold from now on."""
    send(tx, patient, own_rules_of(tx, patient), by)


def with_layers(tx: Tx, rules: RuleSet, patient: int) -> tuple[RuleSet, tuple[Layer, ...]]:
    """The rule set of a patient, and the layers that made it of the installation's."""
    whole = replace(rules, sets=shared_layers(tx))
    layers = layers_of(whole, own_rules_of(tx, patient))
    return merged(whole, layers), layers

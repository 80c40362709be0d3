"""The changes that an answer on a screen of a pairing makes, by the paths that the ward's own commands take."""

from __future__ import annotations

from typing import Final, cast, get_args

from alerts.care.call_back import Need, ask_call_back, end_call_back
from alerts.care.consent import give_consent
from alerts.care.pairing_codes import KEPT_DAYS, step_to
from alerts.care.pairing_scan import ask_buzz, ask_scan, cards, choose, end_scan, take_off
from alerts.care.shared_devices import become_user, is_somebody_else
from alerts.database import Tx, now, scalar, to_datetime
from alerts.desk.pages.pair.steps import Step, after
from alerts.desk.pages.pair.visit import Value, Visit, received_values, write_down
from alerts.errors import DeviceTakenError, PairingError

CONSENT_VERSION: Final = "2026-12"
"""The version of the text in ``templates/pair/consent.html``: whoever changes what it promises changes this."""
_GATEWAY_OF: Final = """
SELECT gateway FROM enrolment JOIN device USING (device)
WHERE patient = %s AND until IS NULL AND upper(address) = upper(%s) LIMIT 1"""
BY_THE_PATIENT: Final = 0
"""Nobody of the ward: the leaflet says who."""


def act(tx: Tx, master: bytes, visit: Visit, answer: str, value: str) -> str:
    """Do what an answer asks for; return the word of a note for the next screen, empty for none.

    An answer that does not belong to the screen (a form sent twice, an old page) changes nothing.
    """
    match answer:
        case "call":
            return _call(tx, visit, value)
        case "buzz":
            if visit.step == "find":
                ask_buzz(tx, visit.gateway, value)
                write_down(tx, visit, "pairing.buzz")
                return "buzz"
            return ""
        case "withdraw":
            return _withdraw(tx, visit)
        case "off":
            return _take_off(tx, visit, value)
        case "user" | "not_user":
            return _user(tx, master, visit, answer, value)
    to = after(visit.progress, answer)
    if to is None:
        return ""
    if answer == "choose":
        return _choose(tx, master, visit, value)
    _answered(tx, visit, answer, to)
    return ""


def _answered(tx: Tx, visit: Visit, answer: str, to: Step) -> None:
    answers: dict[str, object] = {}
    match visit.step, answer:
        case "whose", "me" | "help":
            answers["who"] = "self" if answer == "me" else "helper"
            write_down(tx, visit, "pairing.whose", who=answers["who"])
        case "whose", "other":
            write_down(tx, visit, "pairing.not_me")
            if not visit.progress.finished:  # what somebody may have tried meanwhile is nobody's again
                _give_back(tx, visit)
                answers |= {"device": None, "chosen": None}
        case "consent", "agree":
            give_consent(tx, visit.patient, True, BY_THE_PATIENT, version=CONSENT_VERSION, pairing=visit.pairing)
            write_down(tx, visit, "consent.given", version=CONSENT_VERSION, who=visit.who)
        case "consent", "decline":
            write_down(tx, visit, "pairing.declined")
        case "kind", _ if to == "wear":
            answers["kind"] = answer
        case "mine", "add":
            answers |= {"kind": None, "device": None, "chosen": None}
    if to == "find":
        ask_scan(tx, visit.gateway)
        write_down(tx, visit, "pairing.scan", gateway=visit.gateway)
    if visit.step == "find" and to != "find":
        end_scan(tx, visit.gateway)
    step_to(tx, visit.pairing, to, **answers)


def _choose(tx: Tx, master: bytes, visit: Visit, address: str) -> str:
    found = next((one for one in cards(tx, visit.gateway, visit.patient) if one.address == address), None)
    if found is None:
        return "gone"
    if found.owner == "somebody":
        write_down(tx, visit, "pairing.taken")
        return "taken"
    if visit.device != found.device and not received_values(tx, visit):
        _give_back(tx, visit)
    name = found.name or found.kinds[0].replace("_", " ")
    try:
        device = choose(tx, master, visit.gateway, visit.patient, address, name, BY_THE_PATIENT)
    except (PairingError, DeviceTakenError) as error:
        return "taken" if isinstance(error, DeviceTakenError) else "gone"
    end_scan(tx, visit.gateway)
    write_down(tx, visit, "device.enrolled", device=device)
    step_to(tx, visit.pairing, "receipt", device=device, chosen=now(tx))
    return ""


def _give_back(tx: Tx, visit: Visit) -> None:
    """End the enrolment of the device that was chosen with this leaflet; one that the ward had enrolled before stays."""
    if visit.device is None or visit.chosen is None:
        return
    chosen_here = (
        "SELECT since >= to_timestamp(%s / 1000.0) - interval '5 s' FROM enrolment WHERE device = %s AND until IS NULL"
    )
    if scalar(tx, chosen_here, [visit.chosen, visit.device]):
        take_off(tx, visit.patient, visit.device, BY_THE_PATIENT)


def _user(tx: Tx, master: bytes, visit: Visit, answer: str, value: str) -> str:
    """Which of you is user 2?  ``value`` is the device's address and the user, as the button holds them."""
    address, _, word = value.rpartition(" ")
    if visit.step not in {"find", "mine"} or not visit.progress.consented or not word.isdecimal() or len(word) > 3:
        return ""
    user = int(word)
    if answer == "not_user":
        is_somebody_else(tx, visit.patient, address, user)
        write_down(tx, visit, "pairing.not_user", user=user)
        return ""
    try:
        gateway = scalar(tx, _GATEWAY_OF, [visit.patient, address]) or visit.gateway
        device = become_user(tx, master, gateway, visit.patient, address, user, BY_THE_PATIENT)
    except PairingError:
        return "gone"
    write_down(tx, visit, "device.enrolled", device=device, user=user)
    if visit.step == "find":
        end_scan(tx, visit.gateway)
    kind = visit.progress.kind if visit.step == "find" else None
    step_to(tx, visit.pairing, "receipt", device=device, chosen=now(tx), kind=kind)
    return ""


def _call(tx: Tx, visit: Visit, value: str) -> str:
    need = cast("Need", value) if value in get_args(Need) else "other"
    if ask_call_back(tx, visit.patient, need):
        write_down(tx, visit, "pairing.call_back", need=need)
    return ""


def _withdraw(tx: Tx, visit: Visit) -> str:
    if visit.step != "mine" or not visit.progress.consented:
        return ""
    give_consent(tx, visit.patient, False, BY_THE_PATIENT, version=CONSENT_VERSION, pairing=visit.pairing)
    write_down(tx, visit, "consent.withdrawn", version=CONSENT_VERSION, who=visit.who)
    ask_call_back(tx, visit.patient, "withdrew")
    return ""


def _take_off(tx: Tx, visit: Visit, value: str) -> str:
    if visit.step != "mine" or not value.isdecimal() or len(value) > 9:
        return ""
    if not take_off(tx, visit.patient, int(value), BY_THE_PATIENT):
        return ""
    write_down(tx, visit, "device.taken_off", device=int(value))
    if visit.device == int(value):
        step_to(tx, visit.pairing, "mine", device=None, chosen=None)
    return "off"


def note_receipt(tx: Tx, visit: Visit, values: list[Value]) -> None:
    """The first sample is in the database: the pairing is finished, and the page stays the patient's own for a while."""
    first = min(one.arrived for one in values)
    done = tx.execute(
        "UPDATE pairing SET received = %s, expires = greatest(expires, clock_timestamp() + make_interval(days => %s)) "
        "WHERE pairing = %s AND received IS NULL RETURNING pairing",
        [to_datetime(first), KEPT_DAYS, visit.pairing],
    ).fetchone()
    if done is not None:
        write_down(tx, visit, "pairing.received", device=visit.device)
        end_call_back(tx, visit.patient)

"""From the leaflet to the receipt against the real database, and each way that goes wrong."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from alerts.care.admit import discharge_patient
from alerts.care.consent import give_consent, has_consented
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateways import revoke_gateway
from alerts.care.pairing_codes import codes, revoke_code
from alerts.database import now
from alerts.desk.settings import DeskSettings
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.hands import sign_in
from tests.alerts.desk.pages.pair.hands import (
    BELT,
    CLIP,
    FAMILY,
    Phone,
    actions,
    arrive,
    leaflet,
    nearby,
    phone,
    report,
    title,
    withdraw_before,
)


def to_cards(held: Phone, served: Served, seeded: Seeded) -> str:
    """As far as the devices nearby."""
    for answer in ("me", "agree", "on"):
        held.press(answer)
    assert report(served, seeded, nearby(), nearby(CLIP, "Vigil oximeter", "pulse oximeter")) == 204
    return held.open()


def paired(held: Phone, served: Served, seeded: Seeded) -> int:
    """As far as the receipt; the device."""
    to_cards(held, served, seeded)
    held.press("choose", BELT)
    with seeded.tx() as tx:
        (device,) = tx.execute("SELECT device FROM device WHERE address = %s", [BELT]).fetchone() or (0,)
    arrive(seeded, device)
    return int(device)


def test_from_the_leaflet_to_the_receipt_in_five_screens(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    withdraw_before(seeded)
    with phone(served, made.code) as held:
        page = held.open()
        assert title(page) == "Hello. Whose device is this?"
        assert "Leo S." in page and "born in 19" in page and "Stubbson" not in page
        assert title(held.press("me")) == "What the ward will see"
        with seeded.tx() as tx:
            assert not has_consented(tx, patient)
        assert title(held.press("agree")) == "Put on the belt"
        page = held.press("on")
        assert title(page) == "Looking for your device …" and "data-live" in page
        assert f'<noscript><meta http-equiv="refresh" content="4; url=/pair/{made.code}"></noscript>' in page
        assert report(served, seeded, nearby(), nearby(CLIP, "Vigil oximeter", "pulse oximeter")) == 204
        page = held.open()
        assert "Vigil belt" in page and "Vigil oximeter" not in page  # the leaflet names a belt
        page = held.press("choose", BELT)
        assert title(page) == "Almost done" and "It works" not in page
        with seeded.tx() as tx:
            found = tx.execute(
                "SELECT device, d.name, interval_s, gateway FROM enrolment JOIN device d USING (device) "
                "WHERE patient = %s AND until IS NULL AND address = %s",
                [patient, BELT],
            ).fetchone()
            consent = tx.execute(
                "SELECT given, version, pairing, by_person FROM consent WHERE patient = %s", [patient]
            ).fetchall()
            kinds = tx.execute(
                "SELECT kind FROM control_outbox WHERE patient = %s AND sent IS NULL ORDER BY sequence", [patient]
            ).fetchall()
            assert tx.execute("SELECT count(*) FROM nearby").fetchone() == (0,)  # the neighbours' devices are forgotten
        assert found
        assert found[1:] == ("Vigil belt", 1, seeded.ward.gateways[0])
        assert consent == [(True, "2026-12", made.pairing, 0)]
        assert kinds == [("consent",), ("enrolment",)]  # the log decides
        assert title(held.open()) == "Almost done"
        arrive(seeded, found[0])
        page = held.open()
        assert title(page) == "It works."
        assert "<b>72</b>" in page and "beats a minute" in page and "The ward received it at" in page
        assert held.presses == 4
        assert title(held.press("mine")) == "My readings"
    with seeded.tx() as tx:
        assert actions(tx, patient) == [
            "pairing.opened", "pairing.whose", "consent.given", "pairing.scan", "device.enrolled", "pairing.received",
            "readings.read",
        ]  # fmt: skip
        assert [one["state"] for one in codes(tx, patient)] == ["own page"]


def test_the_link_opened_again_shows_where_the_patient_was(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        for answer in ("me", "agree", "on"):
            page = held.press(answer)
            with phone(served, made.code.replace("-", "").lower()) as other:  # typed by hand, on another telephone
                assert title(other.open()) == title(page)
        report(served, seeded, nearby())
        page = held.press("choose", BELT)
        with phone(served, made.code) as other:
            assert title(other.open()) == title(page)
            for screen in ("Looking for your device …", "Put on the belt", "What the ward will see", "Hello. Whose device"):
                assert title(other.press("back")).startswith(screen)


def test_a_form_that_is_sent_twice_changes_nothing_the_second_time(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    withdraw_before(seeded)
    with phone(served, made.code) as held:
        held.press("me")
        for _ in range(2):
            held.client.post(held.path, data={"step": "consent", "answer": "agree"})
        assert title(held.open()) == "Put on the belt"
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM consent WHERE pairing = %s", [made.pairing]).fetchone() == (1,)


def test_a_wrong_code_says_what_to_do_and_guesses_are_slowed_down(settings: DeskSettings, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with Served(settings.model_copy(update={"pair_tries": 3})) as served, httpx.Client(base_url=served.url) as client:
        for _ in range(3):
            answer = client.get("/pair/ABCD-EFGH-JKMN")
            assert answer.status_code == 404
        assert "This code does not open anything" in answer.text and 'name="code"' in answer.text
        right = client.get(f"/pair/{made.code}")
        assert right.status_code == 200  # it waits, and it opens
        assert right.elapsed > timedelta(seconds=0.9)
        assert client.get("/pair", params={"code": made.code.lower()}).headers["location"] == f"/pair/{made.code}"
        assert "Which code is on your leaflet?" in client.get("/pair").text
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM audit WHERE action = 'pairing.refused'").fetchone() == (3,)
        assert not any(made.code.encode() in bytes(row[0]) for row in tx.execute("SELECT code_hash FROM pairing"))


def test_a_code_that_is_too_old_revoked_or_of_a_discharged_patient_opens_nothing(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:  # who has an alarm that nobody took is not discharged
        (patient,) = tx.execute(
            "SELECT patient FROM patient WHERE team = %s AND NOT EXISTS (SELECT FROM alarm WHERE subject = patient) LIMIT 1",
            [seeded.ward.team],
        ).fetchone() or (0,)
    family = next(name for name, number in seeded.ward.patients.items() if number == patient)

    def opens() -> int:
        return httpx.get(f"{served.url}/pair/{made.code}").status_code

    for end in ("old", "revoked", "discharged", "gateway"):
        made = leaflet(seeded, family)
        assert opens() == 200
        with seeded.tx() as tx:
            match end:
                case "old":
                    tx.execute("UPDATE pairing SET expires = now() WHERE pairing = %s", [made.pairing])
                case "revoked":
                    assert revoke_code(tx, patient) == [made.pairing]
                case "gateway":
                    revoke_gateway(tx, seeded.ward.gateways[0], 1)
                case "discharged":
                    discharge_patient(tx, patient, now(tx), 1)
        assert opens() == 404, end
        if end == "discharged":
            with seeded.tx() as tx:
                tx.execute("UPDATE patient SET discharged = NULL WHERE patient = %s", [patient])
            assert opens() == 404  # taken back into care, the patient gets a new leaflet


def test_a_new_leaflet_ends_the_one_before_that_nobody_finished(served: Served, seeded: Seeded) -> None:
    first = leaflet(seeded)
    second = leaflet(seeded)
    assert httpx.get(f"{served.url}/pair/{first.code}").status_code == 404
    with phone(served, second.code) as held:
        paired(held, served, seeded)
        held.open()
        leaflet(seeded)
        assert title(held.open()) == "It works."  # the patient's own page stays


def test_somebody_else_is_asked_to_leave_it_and_the_ward_may_call(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        page = held.press("other")
        assert title(page) == "Then it is not yours to use" and "tel:0305550100" in page
        assert "The ward knows" in held.press("call")
        assert title(held.press("back")).startswith("Hello")
    with sign_in(served.url, "m.testova") as nurse:
        row = nurse.get(f"/patients/{seeded.ward.patients[FAMILY]}").text
        assert "Needs a call" in row and "the leaflet reached somebody else" in row


def test_without_consent_nothing_is_enrolled_and_the_patient_is_left_in_peace(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    withdraw_before(seeded)
    with phone(served, made.code) as held:
        held.press("help")
        assert title(held.press("decline")) == "That is all right. Nothing is sent."
        assert title(held.press("again")) == "What the ward will see"
        held.press("agree")
        held.press("on")
        with seeded.tx() as tx:
            give_consent(tx, seeded.ward.patients[FAMILY], False, 1)  # by telephone, meanwhile
        assert title(held.open()) == "What the ward will see"
        held.client.post(held.path, data={"step": "find", "answer": "choose", "value": BELT})
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM device WHERE address = %s", [BELT]).fetchone() == (0,)


def test_the_device_of_somebody_else_is_refused_in_kind_words(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    with seeded.tx() as tx:
        other = seeded.ward.patients["EXAMPLETON"]
        device = add_device(tx, "belt of another", "ble", BELT.lower(), 1)
        enrol(tx, MASTER, device, other, seeded.ward.gateways[0], now(tx), 1)
    with phone(served, made.code) as held:
        page = to_cards(held, served, seeded)
        assert "Somebody else uses this one." in page and "EXAMPLETON" not in page.upper()
        assert "This is mine" not in page
        refused = held.client.post(held.path, data={"step": "find", "answer": "choose", "value": BELT}).text
        assert "This one is used by somebody else." in refused
    with seeded.tx() as tx:
        wearers = tx.execute("SELECT patient FROM enrolment WHERE device = %s AND until IS NULL", [device]).fetchall()
        assert wearers == [(other,)]
        assert "pairing.taken" in actions(tx, patient)


def test_no_device_after_a_minute_gives_help_and_a_call_back_on_the_worklist(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    with phone(served, made.code) as held:
        for answer in ("me", "agree", "on"):
            page = held.press(answer)
        assert "Nothing yet?" not in page
        report(served, seeded)
        with seeded.tx() as tx:
            tx.execute("UPDATE gateway_scan SET asked = asked - interval '61 seconds'")
        assert "Nothing yet?" in held.open()
        assert "The ward knows" in held.press("call", "no_device")
        assert 'value="call"' not in held.open()  # asked once is enough
        with sign_in(served.url, "m.testova") as nurse:
            assert "no device was found" in nurse.get(f"/patients/{patient}").text
        with seeded.tx() as tx:
            alarm = tx.execute("SELECT priority, category, active FROM alarm WHERE rule = 'call_back'").fetchall()
            assert alarm == [(1, "technical", True)]
            assert tx.execute(
                "SELECT count(*) FROM notification n JOIN alarm USING (alarm) WHERE rule = 'call_back'"
            ).fetchone() == (0,)
        report(served, seeded, nearby())
        held.press("choose", BELT)
        with seeded.tx() as tx:
            (device,) = tx.execute("SELECT device FROM device WHERE address = %s", [BELT]).fetchone() or (0,)
        arrive(seeded, device)
        assert title(held.open()) == "It works."
    with seeded.tx() as tx:
        assert tx.execute("SELECT active FROM alarm WHERE rule = 'call_back'").fetchall() == [(False,)]


def test_a_gateway_that_does_not_answer_or_cannot_look_is_named(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        for answer in ("me", "agree", "on"):
            held.press(answer)
        with seeded.tx() as tx:
            tx.execute("UPDATE gateway_scan SET asked = asked - interval '16 seconds'")
        page = held.open()
        assert title(page) == "The box does not answer" and "Is the ward&#39;s box" in page.replace("'", "&#39;")
        assert title(held.press("look")) == "Looking for your device …"
        assert report(served, seeded, fault="Bluetooth does not answer") == 204
        assert title(held.open()) == "The box cannot look for devices"
        with seeded.tx() as tx:
            tx.execute("UPDATE gateway_scan SET until = now(), fault = ''")
        assert "The box has stopped looking." in held.open()
        assert report(served, seeded, nearby()) == 409  # and is told so
        with seeded.tx() as tx:
            assert tx.execute("SELECT count(*) FROM nearby").fetchone() == (0,)


def test_a_sample_that_never_arrives_gives_help_and_never_a_receipt(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        to_cards(held, served, seeded)
        held.press("choose", BELT)
        with seeded.tx() as tx:
            (device,) = tx.execute("SELECT device FROM device WHERE address = %s", [BELT]).fetchone() or (0,)
            tx.execute("UPDATE pairing SET chosen = chosen - interval '91 seconds'")
        page = held.open()
        assert title(page) == "No value has arrived yet" and "It works" not in page
        held.press("call", "no_sample")
        arrive(seeded, device, float("nan"))
        assert title(held.open()) == "No value has arrived yet"
        # another one is tried instead: the first is given back
        held.press("back")
        report(served, seeded, nearby(CLIP, "Another belt"))
        held.press("choose", CLIP)
    with seeded.tx() as tx:
        worn = tx.execute(
            "SELECT address FROM enrolment JOIN device USING (device) WHERE patient = %s AND until IS NULL "
            "AND address = ANY(%s)",
            [seeded.ward.patients[FAMILY], [BELT, CLIP]],
        ).fetchall()
        assert worn == [(CLIP,)]


def test_a_device_that_the_ward_had_given_stays_where_another_one_is_tried(served: Served, seeded: Seeded) -> None:
    made, patient = leaflet(seeded), seeded.ward.patients[FAMILY]
    with seeded.tx() as tx:
        device = add_device(tx, "belt of the ward", "ble", BELT, 1)
        enrol(tx, MASTER, device, patient, seeded.ward.gateways[0], now(tx) - timedelta(hours=1), 1)
    with phone(served, made.code) as held:
        assert "Already mine" in to_cards(held, served, seeded)
        held.press("choose", BELT)
        held.press("back")
        report(served, seeded, nearby(CLIP, "Another belt"))
        held.press("choose", CLIP)
    with seeded.tx() as tx:
        worn = (
            "SELECT address FROM enrolment JOIN device USING (device) WHERE until IS NULL AND address = ANY(%s) ORDER BY 1"
        )
        assert tx.execute(worn, [[BELT, CLIP]]).fetchall() == [(BELT,), (CLIP,)]


def test_a_device_buzzes_only_where_it_can(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        for answer in ("me", "agree", "on"):
            held.press(answer)
        report(served, seeded, nearby(), nearby(CLIP, "Belt that buzzes", can_buzz=True))
        assert held.open().count("Make it buzz") == 1
        assert "It buzzes in a few seconds" in held.press("buzz", CLIP)
        held.client.post(held.path, data={"step": "find", "answer": "buzz", "value": BELT})
    with seeded.tx() as tx:
        assert tx.execute("SELECT buzz, buzz_request FROM gateway_scan").fetchone() == (CLIP, 1)


def test_the_code_opens_nothing_else(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    with phone(served, made.code) as held:
        paired(held, served, seeded)
        page = held.open()
        assert not held.client.cookies
        for path in ("/", f"/patients/{seeded.ward.patients[FAMILY]}", "/admin/patients"):
            assert "/sign-in" in str(held.client.get(path, headers={"Accept": "text/html"}).url), path
        assert "C0:DE" not in page
        answer = held.client.get(held.path)
        assert answer.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_an_error_leads_a_patient_to_no_worklist(served: Served, seeded: Seeded) -> None:
    made = leaflet(seeded)
    answer = httpx.post(f"{served.url}/pair/{made.code}", data={"step": "whose", "answer": "me\x00"})
    assert answer.status_code == 422
    assert "Please try again in a moment" in answer.text and "worklist" not in answer.text


@pytest.mark.parametrize(
    "body", [b"{", b'{"request": 1, "devices": [{"address": "", "name": "", "profiles": [], "rssi": 1}]}']
)
def test_a_report_that_is_none_is_refused(served: Served, seeded: Seeded, body: bytes) -> None:
    leaflet(seeded)
    url, known = f"{served.url}/gateway/v1/seen", {"Authorization": "Bearer a credential of a test"}
    assert httpx.post(url, content=body, headers=known).status_code == 400
    assert httpx.post(url, content=body).status_code == 401
    assert httpx.post(url, content=body, headers={"Authorization": "Bearer other"}).status_code == 401

"""Give, note, undo, pause: by keys, at once, without Tab."""

from __future__ import annotations

from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import sign_in, text
from tests.alerts.desk.pages.test_worklist import row


async def test_a_patient_is_taken_noted_given_and_a_wrong_press_undone(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    edith = row(page, seeded, "PLACEHOLDER")
    await page.fill("#q", "placeholder")
    await page.keyboard.press("Enter")
    await page.keyboard.press("a")
    await edith.locator(".own", has_text="M. Testova RN (you)").wait_for()
    assert await text(page.locator("[data-undo-text]")) == "Acknowledged: 1 alarm."
    await page.keyboard.press("z")
    await edith.locator(".own", has_text="Unowned").wait_for()
    assert await page.locator("#undo").is_hidden()
    await page.keyboard.press("a")
    await edith.locator(".own", has_text="(you)").wait_for()
    await page.keyboard.press("n")
    await page.locator("#dialog[open] textarea").fill("daughter informed")
    await page.keyboard.press("Control+Enter")
    await page.locator("[data-undo-text]", has_text="Noted").wait_for()
    await page.keyboard.press("g")
    await page.locator("#dialog[open]").wait_for()
    assert "O. Outside" not in await text(page.locator("#dialog"))  # of another team
    await page.locator("#dialog label", has_text="J. Sample RN").click()
    await page.keyboard.press("Enter")
    await edith.locator(".own", has_text="J. Sample RN").wait_for()
    with seeded.tx() as tx:
        found = tx.execute(
            "SELECT owner, note FROM alarm WHERE subject = %s AND closed IS NULL", [seeded.ward.patients["PLACEHOLDER"]]
        ).fetchall()
        kinds = [
            kind for (kind,) in tx.execute(
                "SELECT kind FROM alarm_event JOIN alarm USING (alarm) WHERE subject = %s AND actor <> 0 ORDER BY event",
                [seeded.ward.patients["PLACEHOLDER"]],
            )
        ]  # fmt: skip
    assert found == [(seeded.ward.colleague, "daughter informed")]
    assert kinds == ["acknowledge", "taken_back", "acknowledge", "note", "reassign"]


async def test_a_patient_is_paused_shown_as_such_and_watched_again(desk: OpenDesk, seeded: Seeded) -> None:
    page = await desk()
    karin = row(page, seeded, "LOREMSSON")
    await page.fill("#q", "loremsson")
    await page.keyboard.press("Enter")
    await page.keyboard.press("w")
    await page.locator("#dialog[open]").wait_for()
    await page.keyboard.press("2")
    await page.locator("#dialog button:text-is('Pause')").click()
    await karin.locator(".away", has_text="On holiday").wait_for()
    assert "Paused" in await text(karin.locator(".c-prio"))
    await page.keyboard.press("w")
    await page.locator("#dialog button:text-is('End the pause now')").click()
    await karin.locator(".away").wait_for(state="detached")
    with seeded.tx() as tx:
        sent = tx.execute("SELECT payload ->> 'kind', jsonb_array_length(payload -> 'pauses') FROM control_outbox "
                          "WHERE kind = 'pause' ORDER BY sequence").fetchall()  # fmt: skip
        done = [a for (a,) in tx.execute("SELECT action FROM audit WHERE action LIKE 'patient.%%' ORDER BY audit")]
    assert sent == [("pause", 1), ("pause", 0)]
    assert [a for a in done if a in ("patient.paused", "patient.resumed")] == ["patient.paused", "patient.resumed"]


async def test_keys_are_listed_and_can_be_turned_off(desk: OpenDesk) -> None:
    page = await desk()
    await page.keyboard.press("?")
    await page.locator("#keys[open]").wait_for()
    await page.locator("[data-keys-on]").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("x")
    assert await page.locator("#picked").is_hidden()
    await page.keyboard.press("ArrowDown")  # keys that are no letters go on
    assert await page.locator(".row[aria-current]").count() == 1


def test_a_form_names_what_is_missing(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        found = tx.execute(
            "SELECT alarm, version FROM alarm WHERE subject = %s AND closed IS NULL", [seeded.ward.patients["FICTIVA"]]
        ).fetchone()
    assert found
    about = {"alarms": f"{found[0]}:{found[1]}", "patients": str(seeded.ward.patients["FICTIVA"])}
    missing = {"acts/give": "Choose a colleague", "acts/note": "Write a note", "acts/snooze": "Choose a reason",
               "patients/away": "Choose a reason"}  # fmt: skip
    with sign_in(served.url, "m.testova") as client:
        for path, sentence in missing.items():
            answer = client.post(f"/{path}", data=about)
            assert (answer.status_code, sentence in answer.text) == (422, True), path
            assert client.get(f"/{path}", params=about).status_code == 200, path
        assert client.post("/acts/undo", data=about).status_code == 409
        assert client.post("/acts/give", data={"alarms": "x"}).status_code == 422


def test_nobody_acts_on_patients_of_another_team(served: Served, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        found = tx.execute(
            "SELECT alarm, version, subject FROM alarm WHERE subject = %s", [seeded.ward.patients["TESTWELL"]]
        ).fetchone()
    assert found
    alarms = f"{found[0]}:{found[1]}"
    with sign_in(served.url, "o.outside") as client:
        for act in ("acknowledge", "outcome", "snooze", "give", "note", "undo"):
            assert client.post(f"/acts/{act}", data={"alarms": alarms}).status_code == 404, act
        for path in ("away", "back"):
            assert client.post(f"/patients/{path}", data={"patients": str(found[2])}).status_code == 404
        assert "TESTWELL" not in client.get("/shift").text
    with sign_in(served.url, "r.root") as client:
        assert client.post("/acts/acknowledge", data={"alarms": alarms}).status_code in (403, 404)

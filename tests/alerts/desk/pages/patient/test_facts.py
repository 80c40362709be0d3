"""Oxygen and consciousness are entered at the patient's page and counted by NEWS2."""

from __future__ import annotations

import time

import pytest

from alerts.desk.pages.patient.facts import Entered, is_waiting, problems_of
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.seed import take_effect
from tests.alerts.desk.worklist.test_cells import look


def test_what_is_stored_waits_until_it_is_in_effect() -> None:
    patient = look()[1]
    assert patient.facts.oxygen is None
    assert not is_waiting({}, patient)
    assert not is_waiting({"oxygen": Entered(None, 1, "M")}, patient)
    assert is_waiting({"oxygen": Entered(False, 1, "M")}, patient)
    assert is_waiting({"consciousness": Entered("C", 1, "M")}, patient)


@pytest.mark.parametrize(
    ("oxygen", "consciousness", "wrong"),
    [("air", "A", set()), ("unknown", "unknown", set()), ("", "A", {"oxygen"}), ("2 l", "X", {"oxygen", "consciousness"})],
)
def test_only_what_the_form_offers_is_taken(oxygen: str, consciousness: str, wrong: set[str]) -> None:
    assert set(problems_of(oxygen, consciousness)) == wrong


async def test_a_nurse_completes_the_score_in_fifteen_seconds(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    ada = seeded.ward.patients["EXAMPLETON"]
    await page.goto(f"{served.url}/patients/{ada}")
    form, card = page.locator("#observe"), page.locator("#news")
    assert "≥9" in await text(card.locator(".tally"))
    began = time.monotonic()
    await form.get_by_label("Breathes").select_option("Oxygen")
    await form.get_by_label("Consciousness").select_option("C – New confusion")
    await form.get_by_role("button", name="Save observation").click()
    await form.locator("[data-facts=waiting]").wait_for()
    with seeded.tx() as tx:
        tx.execute("UPDATE control_outbox SET sent = now() WHERE sent IS NULL")
        take_effect(tx)
    await form.locator("[data-facts=waiting]").wait_for(state="detached", timeout=30_000)
    print(f"{time.monotonic() - began:.1f} s from the form to the score")
    assert time.monotonic() - began < 15
    await card.locator(".tally", has_text="14").wait_for()
    assert "14" in await text(card.locator(".tally"))  # 9, 2 for oxygen, 3 for confusion
    assert await card.locator("[data-pts='?']").count() == 0
    assert "M. Testova" in await text(card.locator("tr", has_text="Consciousness"))
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM audit WHERE action = 'facts.changed'").fetchone() == (1,)
        kept = tx.execute(
            "SELECT payload->>'born' FROM control_outbox WHERE kind = 'facts' ORDER BY sequence DESC"
        ).fetchone()
    assert kept == ("1945-07-14",), "the other facts stay"

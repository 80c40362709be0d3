"""Thirty patients at once: one act with one reason for all, a colleague who was first, and one cause as one line."""

from __future__ import annotations

import re
import time

from alerts.fold.fold import apply
from alerts.life.events import Acknowledge
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.storm import Cost, admit_many, alarms_of, read_again


async def test_thirty_patients_are_taken_and_closed_with_less_than_two_keys_each(
    desk: OpenDesk, served: Served, seeded: Seeded
) -> None:
    patients = admit_many(seeded)
    alarms_of(seeded, patients)
    read_again(served, patients[0])
    page = await desk()
    await page.fill("#q", "stormson")
    cost = Cost(page)
    await cost.begin()
    began = time.monotonic()
    await cost.press("Enter")  # from the field to the first row
    await cost.press("x")
    await cost.press("Shift+J", 29)
    assert await text(page.locator("[data-picked-count]")) == "30 selected"
    with seeded.tx() as tx:  # a colleague is first with one of them
        found = tx.execute("SELECT alarm FROM alarm WHERE subject = %s", [patients[4]]).fetchone()
        assert found
        apply(tx, found[0], Acknowledge(seeded.ward.colleague, int(time.time() * 1000)))
    await cost.press("a")
    # the list may have said so already: then it is not among those that are sent
    await page.locator("#notices", has_text=re.compile("29 (of 30 )?alarms taken")).wait_for()
    assert await text(page.locator("[data-picked-count]")) == "30 selected"  # the outcome comes next
    await page.wait_for_function("() => document.querySelectorAll('.row.is-picked[data-mine]').length >= 29")
    await cost.press("o")
    await page.locator("#dialog[open]").wait_for()
    await cost.press("1")
    await cost.press("Enter")
    await page.locator("#dialog[open]").wait_for(state="hidden")
    took = time.monotonic() - began
    with seeded.tx() as tx:
        rows = tx.execute(
            "SELECT owner, outcome, count(*) FROM alarm WHERE subject = ANY(%s) GROUP BY 1, 2 ORDER BY 3", [patients]
        ).fetchall()
    print(f"storm: 30 patients, {cost.keys} keys ({cost.keys / 30:.1f} each), {took:.1f} s, {cost.bytes / 1000:.0f} kB")
    assert cost.keys <= 2 * 30
    assert rows == [(seeded.ward.colleague, None, 1), (seeded.ward.nurse, "called", 29)]


async def test_one_cause_is_one_line_that_opens(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    patients = admit_many(seeded, 12)
    alarms_of(seeded, patients, "gateway_offline", "technical", 3)
    read_again(served, patients[0])
    page = await desk()
    line = page.locator("#row-network")
    assert "12 patients" in await text(line.locator(".who"))
    assert "12 gateways fell silent together" in await text(line.locator(".c-what"))
    assert await line.locator(".members").is_hidden()
    await line.locator(".who").focus()
    await page.keyboard.press("v")
    assert await line.locator(".members li:visible").count() == 12
    await page.keyboard.press("a")
    await line.locator(".own", has_text="(you)").wait_for()
    assert await line.locator(".members li:visible").count() == 12  # its new form stays open
    with seeded.tx() as tx:
        lives = tx.execute("SELECT life, count(*) FROM alarm WHERE rule = 'gateway_offline' GROUP BY 1").fetchall()
    assert lives == [("acknowledged", 12)]

"""Every time on every screen is in the desk's zone, and no chart or sentence hides what is there."""

from __future__ import annotations

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.desk.settings import DeskSettings
from devices.vitals import Vital
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.pages.test_worklist import happens, row

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = """() => [...document.querySelectorAll("time[datetime]")].map(e => [e.dateTime, e.textContent])"""


@pytest.fixture
def settings(settings: DeskSettings) -> DeskSettings:
    return settings.model_copy(update={"zone": BERLIN})


def near(shown: str) -> bool:
    """True if the first hour and minute of a text are Berlin's now, give or take two minutes."""
    now = datetime.now(BERLIN)
    minutes = [int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d)", shown)][:1]
    return any(abs(one - now.hour * 60 - now.minute) % 1438 <= 2 for one in minutes)


async def test_every_time_is_in_the_desks_zone(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    ada = seeded.ward.patients["EXAMPLETON"]
    with seeded.tx() as tx:  # lower than the chart's usual bottom
        lowered = tx.execute(
            "UPDATE rollup_minute r SET mean = 80, min = 80, max = 80 WHERE patient = %s AND vital = %s AND time > (SELECT"
            " max(time) FROM rollup_minute n WHERE (n.patient, n.vital) = (r.patient, r.vital)) - interval '5 minutes'",
            [ada, int(Vital.SPO2)],
        )
        assert lowered.rowcount == 5
    await page.wait_for_selector("[data-age]:has-text('s')")
    assert near(await text(page.locator("#asof")))
    await page.goto(f"{served.url}/patients/{ada}")
    await page.wait_for_selector("#charts[data-drawn]")
    await page.wait_for_timeout(1000)
    assert near(await text(page.locator("#asof")))
    times = await page.evaluate(TIMES)
    assert len(times) > 20
    for at, shown in times:
        assert f"{datetime.fromisoformat(at).astimezone(BERLIN):%H:%M}" in shown
    await page.locator("#charts").focus()
    await page.keyboard.press("End")
    assert near(await text(page.locator("#cursor")))
    for key, shown in (("spo2", 80), ("bp", 219)):  # 219 is the systolic limit
        bottom, top = json.loads(str(await page.locator(f"#plot-{key} [data-range]").get_attribute("data-range")))
        assert bottom < shown < top
    await page.locator("#work").get_by_role("button", name="Snooze").click()
    await page.locator("#dialog[open]").wait_for()
    until = re.search(r"(\d\d):(\d\d)", await text(page.locator("[data-until]")))
    assert until
    assert (int(until[1]) - datetime.now(BERLIN).hour) % 24 <= 1


async def test_no_sentence_says_that_nothing_waits_while_something_does(desk: OpenDesk, seeded: Seeded) -> None:
    with seeded.tx() as tx:
        tx.execute("UPDATE alarm SET life = 'closed', closed = now(), active = false WHERE closed IS NULL")
    page = await desk()
    assert await text(page.locator("[data-none]")) == "No alarm is unacknowledged."
    happens(seeded, "LOREMSSON", "heart_rate.high")
    await page.locator("[data-none]", has_text="1 waits further down: update the list to see it here.").wait_for()
    assert await text(page.locator("#open [data-group-count]")) == "1"
    await page.locator("[data-update]").click()
    await page.locator("#open .row").wait_for()
    assert await row(page, seeded, "LOREMSSON").is_visible()
    assert await page.locator("[data-none]").count() == 0

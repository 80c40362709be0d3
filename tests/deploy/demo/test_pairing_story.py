"""From the leaflet to the ward's receipt on the real stack: two browsers, and a belt on a fake radio.

Desk, gateway, Kafka, worker, notifier and database are those of an installation; taps, seconds and bytes are printed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page

from alerts.care.consent import give_consent
from deploy.demo.homes import Homes, mqtt_users
from deploy.demo.installation import Installation
from deploy.demo.plan import DEMO, SPARE, Plan
from deploy.demo.provision import provision
from simulators.fakebluez import FakeBlueZ
from simulators.peripherals.heart_rate_belt import HeartRateBelt
from simulators.scenario import Scenario
from tests.alerts.desk.test_accessibility import RULES

pytestmark = pytest.mark.stack
PLAN = Plan(homes=("Home 1",), people=(replace(DEMO.people[0], wears=()),), staff=DEMO.staff)
OUT = Path(__file__).parents[3] / "out"


@pytest.fixture
async def installed(dbus_program: None, home: Path, plain_database: str) -> AsyncIterator[tuple[Installation, int]]:
    """Everything as deployed, a patient with nothing on, and a belt that is nobody's; (installation, patient)."""
    installation = Installation(home / "path", mqtt_users(PLAN), plain_database)
    try:
        await asyncio.to_thread(installation.start)
        assert installation.stack.dbus
        done = provision(installation.database, installation.master_key, PLAN, datetime.now(UTC))
        with psycopg.connect(installation.database) as tx:
            give_consent(tx, done.patients[0], False, 1)  # asked for at the page
        installation.serve()
        await asyncio.to_thread(installation.wait, "desk")
        homes = Homes(installation, PLAN, done)
        await homes.start()
        await asyncio.to_thread(homes.settle)
        belt = HeartRateBelt(Scenario(time.time_ns() // 1_000_000, 1, seed=7).wearer(0), SPARE)
        async with FakeBlueZ(installation.stack.dbus.address) as bluez:
            bluez.add(belt.peripheral)
            measuring = asyncio.create_task(belt.run())
            yield installation, done.patients[0]
            measuring.cancel()
        await homes.stop()
    finally:
        await asyncio.to_thread(installation.stop)


async def leaflet(page: Page, desk: str, patient: int) -> str:
    """The administrator's part: sign in, make a leaflet, read its link."""
    admin = PLAN.staff[2]
    await page.goto(f"{desk}/sign-in")
    await page.fill("#user", admin.sign_in)
    await page.fill("#pw", admin.password)
    await page.click("button[type=submit]")
    await page.locator("#table").wait_for()
    await page.goto(f"{desk}/admin/patients/{patient}")
    await page.click("text=Leaflet for pairing at home")
    await page.select_option("#gateway", label="Home 1")
    await page.select_option("#kind", "belt")
    await page.click("text=Make a leaflet")
    await page.locator(".leaflet svg.qr").wait_for()
    found = await Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    return await page.locator(".leaflet .link").inner_text()


@pytest.mark.timeout(180)
async def test_a_patient_pairs_a_belt_from_the_leaflet_to_the_wards_receipt(
    installed: tuple[Installation, int], browser: Browser
) -> None:
    installation, patient = installed
    ward = await browser.new_context(viewport={"width": 1440, "height": 900})
    link = await leaflet(await ward.new_page(), installation.desk_url, patient)
    await ward.close()

    held = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = await held.new_page()
    page.set_default_timeout(30_000)
    wire = await held.new_cdp_session(page)
    await wire.send("Network.enable")
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    began = time.monotonic()
    await page.goto(link)
    first = sum(sizes)
    taps = 0
    for words in ("That is me", "I agree", "It is on", "This is mine"):
        await page.get_by_role("button", name=words, exact=True).tap()
        taps += 1
    await page.get_by_role("heading", name="It works.").wait_for()
    seconds, received = time.monotonic() - began, await page.inner_text("main")
    OUT.mkdir(exist_ok=True)
    await page.screenshot(path=OUT / "pair-story-receipt-390-light.png", full_page=True)
    with psycopg.connect(installation.database) as db:  # what the page says is true: the samples are stored, and decide
        rows = db.execute(
            "SELECT count(*), min(arrived) FROM reading JOIN device USING (device) WHERE patient = %s AND address = %s",
            [patient, SPARE],
        ).fetchone()
        took = {kind for (kind,) in db.execute("SELECT kind FROM control WHERE patient = %s", [patient])}
        shown = db.execute("SELECT received FROM pairing").fetchone()
    assert rows and shown
    assert rows[0] > 0 and rows[1] <= shown[0]
    assert {"consent", "enrolment"} <= took
    assert "beats a minute" in received and "The ward received it at" in received
    await page.get_by_role("button", name="My readings").tap()
    await page.get_by_text("Connected, it measures").wait_for()
    print(f"patient: {taps} taps, {seconds:.1f} s from link to receipt; {first:.0f} bytes first, {sum(sizes):.0f} in all")
    assert seconds < 60
    await held.close()

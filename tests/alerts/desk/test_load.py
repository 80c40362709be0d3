"""A ward of a thousand in a real browser: 200 open items, 50 changes a second.  Nothing moves under the hand."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.async_api import CDPSession

from devices.vitals import Vital
from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.storm import admit_many, alarms_of, read_again
from tests.latest import put_latest

PATIENTS, OPEN, CHANGES = 1000, 200, 50
WATCH_S = 20
_WATCH = """() => {
  const found = window.found = { changes: 0, long: [], gaps: 0, last: performance.now() };
  new MutationObserver((list) => { found.changes += list.length; })
    .observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  new PerformanceObserver((list) => { for (const e of list.getEntries()) found.long.push(Math.round(e.duration)); })
    .observe({ entryTypes: ["longtask"] });
  const frame = (at) => {
    found.gaps = Math.max(found.gaps, at - found.last); found.last = at; requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_SEARCH = """async (text) => {
  const field = document.querySelector("#q"), began = performance.now();
  field.value = text; field.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
_FILTER = """async (name) => {
  const began = performance.now();
  document.querySelector(`[data-count=${name}]`).click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""
_TOPS = "() => [...document.querySelectorAll('.row')].slice(0, 60).map((r) => Math.round(r.getBoundingClientRect().top))"


def measured(seeded: Seeded, patients: list[int]) -> None:
    """Five vitals of each, newest values alone, from a device of theirs."""
    now = datetime.now(UTC) - timedelta(seconds=5)
    values = ((Vital.HEART_RATE, 80.0), (Vital.SPO2, 96.0), (Vital.RESPIRATORY_RATE, 15.0), (Vital.TEMPERATURE, 36.8))
    with seeded.tx() as tx:
        tx.execute(
            "INSERT INTO device (device, name, source, address, interval_s) "
            "SELECT 5000 + p, 'Chest patch', 'mqtt', 'load-' || p, 1 "
            "FROM unnest(%s::int4[]) p", [patients],
        )  # fmt: skip
        tx.execute(
            "INSERT INTO enrolment (device, patient, gateway, since) SELECT 5000 + p, p, 1, now() - interval '1 day' "
            "FROM unnest(%s::int4[]) p", [patients],
        )  # fmt: skip
        put_latest(tx, [(p, int(v), 5000 + p, now, value, 0, now) for p in patients for v, value in values])


@pytest.fixture
def living(seeded: Seeded) -> Iterator[None]:
    """The log moves on; numbers change as :func:`changing` says, and no others."""
    stop = threading.Event()

    def run() -> None:
        with psycopg.connect(seeded.url, autocommit=True) as db:
            while not stop.wait(1):
                db.execute("UPDATE ledger SET last_append = clock_timestamp()")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(5)


@contextmanager
def changing(seeded: Seeded, patients: list[int]) -> Iterator[None]:
    """``CHANGES`` numbers a second are others, of patients anywhere on the list."""
    stop, dice = threading.Event(), random.Random(3)

    def run() -> None:
        with psycopg.connect(seeded.url, autocommit=True) as db:
            while not stop.wait(0.2):
                some = [dice.choice(patients) for _ in range(CHANGES // 5)]
                _change(db, some, dice)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)


def _change(db: psycopg.Connection[Any], some: list[int], dice: random.Random) -> None:
    db.cursor().executemany(
        "UPDATE latest_of_device SET value[1] = %s, time[1] = now(), arrived[1] = now(), newest = now() WHERE patient = %s",
        [(float(dice.randint(60, 120)), patient) for patient in some],
    )


async def busy_ms(session: CDPSession) -> float:
    metrics = {one["name"]: one["value"] for one in (await session.send("Performance.getMetrics"))["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


@pytest.mark.full
@pytest.mark.timeout(300)
async def test_a_thousand_patients(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    patients = admit_many(seeded, PATIENTS)
    measured(seeded, patients)
    alarms_of(seeded, patients[:OPEN])
    read_again(served, patients[0])
    page = await desk()
    await page.wait_for_timeout(4000)
    size = await page.evaluate(
        "() => performance.getEntriesByType('navigation')[0].encodedBodySize"
        " + performance.getEntriesByType('resource').filter((r) => !r.name.includes('/stream'))"
        ".reduce((n, r) => n + r.encodedBodySize, 0)"
    )
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await page.evaluate(_WATCH)
    tops, before = await page.evaluate(_TOPS), await busy_ms(session)
    with changing(seeded, patients):
        await page.wait_for_timeout(WATCH_S * 1000)
        found, after = await page.evaluate("window.found"), await busy_ms(session)
        assert await page.evaluate(_TOPS) == tops, "rows moved"
        searches = [await page.evaluate(_SEARCH, text) for text in ("s", "st", "stormson77", "")]
        filters = [await page.evaluate(_FILTER, name) for name in ("high", "high", "quiet", "quiet", "mine", "mine")]
    figures = {
        "first page kB": round(size / 1000, 1),
        "DOM changes a second": round(found["changes"] / WATCH_S, 1),
        "long tasks ms": found["long"],
        "longest frame gap ms": round(found["gaps"]),
        "CPU of the tab %": round((after - before) / WATCH_S / 10, 1),
        "search ms": [round(ms) for ms in searches],
        "filter ms": [round(ms) for ms in filters],
    }
    print(json.dumps(figures))
    assert not found["long"], figures
    assert max(searches + filters) <= 100, figures
    assert found["changes"] / WATCH_S < 200, figures
    assert size < 65_000, figures  # with the rows that are fetched for the rest of the screen

"""One patient in a browser: charts, limits through the log, NEWS2, timeline."""

from __future__ import annotations

import re

from tests.alerts.desk.conftest import OpenDesk, Seeded, Served
from tests.alerts.desk.hands import text
from tests.alerts.desk.seed import take_effect


async def test_a_limit_is_sent_and_then_in_effect(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    karin = seeded.ward.patients["LOREMSSON"]
    await page.goto(f"{served.url}/patients/{karin}")
    card = page.locator("#limits")
    await card.get_by_label("Heart rate, medium above").fill("110")
    await card.get_by_label("Heart rate, high above").fill("105")
    await card.get_by_role("button", name="Save limits").click()
    assert await card.locator("select:invalid").count() == 1  # it needs a reason
    await card.get_by_label("Reason").select_option("New treatment")
    await card.get_by_role("button", name="Save limits").click()
    await card.locator(".summary-box", has_text="must be greater").wait_for()
    await card.get_by_label("Heart rate, medium above").fill("95")
    await card.get_by_role("button", name="Save limits").click()
    await card.locator("[data-state=waiting]").wait_for()
    with seeded.tx() as tx:
        tx.execute("UPDATE control_outbox SET sent = now() WHERE sent IS NULL")
    await card.locator("[data-state=sent]", has_text="Sent").wait_for()
    with seeded.tx() as tx:
        sent = tx.execute("SELECT payload FROM control_outbox WHERE patient = %s AND kind = 'limits'", [karin]).fetchall()
        take_effect(tx)
    await card.locator("[data-state=effective]", has_text="in effect since").wait_for()
    assert len(sent) == 1
    assert [(x["vital"], x["side"], x["medium"]["limit"], x["high"]["limit"]) for x in sent[0][0]["limits"]] == [
        (1, "high", 95, 105)
    ]
    await card.locator("summary").click()
    assert "high above 130 → 105" in await text(card.locator(".timeline"))
    assert "new treatment" in await text(card.locator(".timeline"))
    # and the charts draw the new band, without a reload
    await page.locator(".readout[data-cell=hr]", has_text="41–95").wait_for()


async def test_charts_draw_every_range_and_read_by_keyboard(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    for hours in (6, 24, 168, 720, 1):
        await page.locator(f"[data-hours='{hours}']").click()
        await page.locator(f"#charts[data-drawn='hours={hours}']").wait_for()
        assert await page.locator(".plot canvas").count() == 5
        ink = await page.evaluate(
            "[...document.querySelectorAll('.plot canvas')].every(c => c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.some(v => v))"
        )
        assert ink
    await page.locator("[data-hours='6']").click()
    await page.locator("#charts[data-drawn='hours=6']").wait_for()
    await page.locator("#charts").focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("PageUp")
    assert re.search(r"HR 1[0-3]\d ", await text(page.locator("#cursor")))
    assert "BP 104/62" in await text(page.locator("#say"))


async def test_the_series_holds_gaps_poor_signal_and_alarms(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    ada = seeded.ward.patients["EXAMPLETON"]
    series = await page.evaluate(f"fetch('/patients/{ada}/series?hours=6').then(r => r.json())")
    now = series["now"]
    gaps = [(b - a) / 60 for a, b in series["gaps"]["hr"] if b - a > 600 and b < now]
    assert len(gaps) == 1
    assert 29 < gaps[0] < 33
    assert series["poor"]["hr"]
    assert {a["text"] for a in series["alarms"]} >= {"*** HR 134 > 120 /min ", "** SpO₂ 93 < 94 % "}
    # what was measured before the limits changed stays beside those of its time
    assert [step[1:] for step in series["limits"]["hr"]] == [[41, 130, [41, 130]], [50, 110, [41, 120]]]
    assert now - 3600 < series["limits"]["hr"][1][0] < now


async def test_acknowledge_and_outcome_on_the_patients_page(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    assert await page.locator("[data-strip]").count() == 3
    await page.locator("#alarms button", has_text="Acknowledge").first.click()
    await page.locator(".alarm-strip.is-held", has_text="M. Testova RN (you)").wait_for()
    await page.locator("#timeline", has_text="acknowledged").wait_for()
    await page.locator(".alarm-strip.is-held button", has_text="Outcome").click()
    await page.locator("#dialog").get_by_label("Visit").check()
    await page.locator("#dialog").get_by_role("button", name="Save outcome").click()
    await page.locator(".alarm-strip.is-held", has_text="visit").wait_for()


async def test_the_score_names_its_inputs_with_age_and_points(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    page = await desk()
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['EXAMPLETON']}")
    panel = page.locator("#news")
    assert "≥9" in await text(panel.locator(".tally"))
    assert await panel.locator("[data-pts='?']").count() == 2
    assert await panel.locator("tbody tr").count() == 7
    await page.goto(f"{served.url}/patients/{seeded.ward.patients['LOREMSSON']}")
    assert await page.locator("#news [data-pts='?']").count() == 0


async def test_a_clinician_reads_a_week_zooms_into_it_and_takes_it_along(
    desk: OpenDesk, served: Served, seeded: Seeded
) -> None:
    page = await desk()
    ada = seeded.ward.patients["EXAMPLETON"]
    await page.goto(f"{served.url}/patients/{ada}")
    await page.locator("[data-hours='168']").click()
    await page.locator("#charts[data-drawn='hours=168']").wait_for()
    assert "mean of 10 min" in await text(page.locator("#window"))
    assert await page.locator("[data-spread]").is_visible()
    plot = await page.locator("#plot-hr .u-over").bounding_box()
    assert plot
    y = plot["y"] + plot["height"] / 2
    await page.mouse.move(plot["x"] + plot["width"] * 0.98, y)  # the last hours, in which something was measured
    await page.mouse.down()
    await page.mouse.move(plot["x"] + plot["width"] * 0.9, y, steps=4)
    await page.mouse.up()
    await page.locator("#charts[data-drawn^='from=']").wait_for()
    zoomed = await text(page.locator("#window"))
    assert "mean of 1 min" in zoomed
    assert await page.locator("[data-hours][aria-pressed=true]").count() == 0
    await page.locator("#charts").focus()
    await page.keyboard.press("+")
    await page.keyboard.press("Shift+ArrowLeft")
    await page.wait_for_function("(old) => document.querySelector('#window').textContent !== old", arg=zoomed)
    async with page.expect_download() as download:
        await page.locator("[data-export]").click()
    rows = (await (await download.value).path()).read_text().splitlines()
    assert rows[0] == "time,vital,unit,value,lowest,highest"
    assert len({row.split(",")[1] for row in rows[1:]}) > 2
    await page.keyboard.press("Tab")
    await page.locator("#charts").focus()
    await page.keyboard.press("0")
    await page.locator("#charts[data-drawn='hours=168']").wait_for()
    with seeded.tx() as tx:
        assert tx.execute("SELECT count(*) FROM audit WHERE action = 'patient.export'").fetchone() == (1,)
    await page.emulate_media(media="print")
    assert not await page.locator("#work").is_visible()
    assert await page.locator(".ident h1").is_visible()


async def test_the_first_page_is_small_on_the_way(desk: OpenDesk) -> None:
    page = await desk()
    sizes = await page.evaluate(
        "['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))"
        ".map((e) => [new URL(e.name).pathname, e.encodedBodySize, e.decodedBodySize])"
    )
    on_the_way, unpacked = (sum(one[n] for one in sizes if one[0] != "/stream") for n in (1, 2))
    print(f"the first page: {on_the_way} bytes, {unpacked} unpacked")
    assert 0 < on_the_way < 60_000 < unpacked

"""An administrator sets up a ward in a real browser, from sign-in to result; the seconds are printed."""

from __future__ import annotations

import time
from pathlib import Path

from tests.alerts.desk.conftest import OUT, OpenDesk, Seeded, Served
from tests.alerts.desk.test_accessibility import clean


def ward_of_thirty(path: Path) -> Path:
    lines = [f"Invented{n:02},Person,19{30 + n}-01-02,ADM-{n},yes" for n in range(30)]
    path.write_text("family,given,born,record,consent\n" + "\n".join(lines) + "\n")
    return path


async def test_a_ward_of_thirty_a_typing_error_and_a_discharge_taken_back(
    desk: OpenDesk, served: Served, seeded: Seeded, tmp_path: Path
) -> None:
    OUT.mkdir(exist_ok=True)
    began = time.monotonic()
    page = await desk("r.root")
    await page.click("[popovertarget=me]")
    await page.click("#me >> text=Administration")
    await page.click("text=Import a file")
    await page.set_input_files("#file", ward_of_thirty(tmp_path / "ward.csv"))
    await page.select_option("#team", str(seeded.ward.team))
    await page.click("text=Check the file")
    await page.click("text=Admit 30 patients")
    await page.wait_for_selector("text=30 admitted")
    imported = time.monotonic()
    await page.screenshot(path=OUT / "admin-import-1440-light.png")
    await page.click("text=Back to the patients")
    await page.fill("#q", "invented07")
    await page.click("button:text-is('Find')")
    await page.click("text=INVENTED07, Person")
    await page.fill("#family", "Inventado")
    await page.click("text=Save the correction")
    await page.wait_for_selector("h1:has-text('INVENTADO, Person')")
    await page.click("summary:has-text('Discharge')")
    await page.click("button:text-is('Discharge')")
    await page.click("button:text-is('Undo')")
    await page.wait_for_selector("text=In care again")
    done = time.monotonic()
    print(
        f"administrator: 30 imported after {imported - began:.1f} s, one corrected and taken back after {done - began:.1f} s"
    )
    patient = page.url.partition("?")[0]
    await page.screenshot(path=OUT / "admin-patient-1440-light.png")
    for name in ("patients", "teams"):
        await page.goto(f"{served.url}/admin/{name}")
        await page.screenshot(path=OUT / f"admin-{name}-1440-light.png")
    await page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        "patients",
        "patients/new",
        "patients/import",
        "patients/1/leaflets",
        "people",
        "people/m.testova",
        "teams",
        patient,
    ):
        answer = await page.goto(path if path == patient else f"{served.url}/admin/{path}")
        assert answer and answer.ok, path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await clean(page)
        name = "patient" if path == patient else path.replace("/", "-")
        await page.emulate_media(color_scheme="dark")
        await page.screenshot(path=OUT / f"admin-{name}-390-dark.png", full_page=True)

"""Devices, gateways and reports: an administrator sets a home up and a manager reads what was done, in a real browser."""

from __future__ import annotations

import time

import pytest

from tests.alerts.desk.conftest import OUT, OpenDesk, Seeded, Served
from tests.alerts.desk.hands import sign_in, text
from tests.alerts.desk.test_accessibility import clean


async def test_a_home_is_set_up_with_a_code_to_scan_and_a_wearable(desk: OpenDesk, served: Served, seeded: Seeded) -> None:
    OUT.mkdir(exist_ok=True)
    page = await desk("r.root")
    began = time.monotonic()
    await page.goto(f"{served.url}/admin/gateways")
    assert "Gateway North 1" in await text(page.locator("#main"))
    await page.get_by_label("Name").fill("Home of the new one")
    await page.get_by_label("Time zone of the home").fill("Europe/Berlin")
    await page.get_by_role("button", name="Add").click()
    code = (await text(page.locator(".shown-once"))).strip()
    assert f"vigil pair claim {code} --desk http://127.0.0.1" in await text(page.locator(".claim code"))
    assert await page.locator(".claim img").evaluate("e => e.complete && e.naturalWidth > 100")
    await page.screenshot(path=OUT / "admin-gateway-1440-light.png")
    number = page.url.rpartition("/")[2] if page.url[-1].isdigit() else "3"
    await page.goto(f"{served.url}/admin/devices")
    await page.get_by_label("Name, as the ward calls its kind").fill("Chest patch")
    await page.get_by_label("Bluetooth address").fill("C0:FF:EE:00:00:01")
    await page.get_by_label("Seconds between its readings").fill("1")
    await page.get_by_role("button", name="Add").click()
    await page.locator("[role=status]", has_text="Give it to a patient").wait_for()
    await page.get_by_label("Give it to").select_option(str(seeded.ward.patients["EXAMPLETON"]))
    await page.get_by_label("Behind the gateway").select_option(label="Home of the new one")
    await page.get_by_role("button", name="Give").click()
    await page.locator("[role=status]", has_text="The gateway listens to it within seconds").wait_for()
    print(f"administrator: a gateway and a wearable in {time.monotonic() - began:.1f} s")
    device = page.url.partition("?")[0]
    await page.get_by_role("button", name="It is nobody’s any more").click()
    await page.get_by_text("Nobody wears it").wait_for()
    with seeded.tx() as tx:
        acts = "SELECT action FROM audit WHERE action ~ '^(gateway|device)[.]' ORDER BY audit"
        done = [action for (action,) in tx.execute(acts)]
    assert done == ["gateway.added", "device.added", "device.enrolled", "device.ended"]
    await page.set_viewport_size({"width": 390, "height": 844})
    pages = {"gateways": "/admin/gateways", "gateway": f"/admin/gateways/{number}", "devices": "/admin/devices"}
    for name, path in {**pages, "device": device, "reports": "/admin/reports/care"}.items():
        await page.goto(path if path.startswith("http") else served.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        if name in ("gateway", "reports"):  # the others are made of the same parts
            await clean(page)
        await page.emulate_media(color_scheme="dark")
        await page.screenshot(path=OUT / f"admin-{name}-390-dark.png", full_page=True)


def test_reports_are_pages_and_files_for_administrators_alone(served: Served, seeded: Seeded) -> None:
    with sign_in(served.url, "r.root") as client:
        for name in ("adherence", "care", "alarms", "review"):
            answer = client.get(f"/admin/reports/{name}")
            assert answer.status_code == 200, name
        assert "EXAMPLETON, Ada" in client.get("/admin/reports/adherence?days=30").text
        file = client.get("/admin/reports/adherence.csv?days=30")
        assert file.headers["content-type"].startswith("text/csv")
        assert file.text.splitlines()[0].startswith("patient,name,team,days")
        assert "This is no date" in client.get("/admin/reports/adherence?from=2026-13-01").text
        assert "1 to 366 days" in client.get("/admin/reports/adherence?days=999").text
        assert client.get("/admin/reports/else").status_code == 404
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/admin/reports/care.csv").status_code == 403
    with seeded.tx() as tx:
        read = tx.execute("SELECT count(*) FROM audit WHERE action = 'report.read'").fetchone()
    assert read == (8,)


@pytest.mark.parametrize(("path", "form"), [
    ("/admin/gateways", {"name": "x", "zone": "Nowhere/Else"}),
    ("/admin/devices", {"name": "x", "source": "ble", "address": "", "interval_s": "1"}),
    ("/admin/devices", {"name": "x", "source": "radio", "address": "y", "interval_s": "1"}),
    ("/admin/devices", {"name": "x", "source": "ble", "address": "y", "interval_s": "8_6"}),
])  # fmt: skip
def test_bad_input_gets_a_sentence_and_changes_nothing(served: Served, path: str, form: dict[str, str]) -> None:
    with sign_in(served.url, "r.root") as client:
        answer = client.post(path, data=form)
        assert answer.status_code == 422
        assert "Not saved" in answer.text
        assert client.post("/admin/gateways/999/revoke").status_code == 404

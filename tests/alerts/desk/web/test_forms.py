"""Whatever is typed into a form, the answer is never a fault of the desk."""

from __future__ import annotations

import httpx

from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in

TEXTS = ("a\0b", "\0", " ", "\x07", "x" * 5000, "\u202e🙂")


def test_no_text_in_any_field_is_an_error_of_the_desk(served: Served, seeded: Seeded) -> None:
    patient = seeded.ward.patients["EXAMPLETON"]
    with seeded.tx() as tx:
        row = tx.execute(
            "SELECT alarm, version FROM alarm WHERE subject = %s AND closed IS NULL ORDER BY alarm LIMIT 1", [patient]
        ).fetchone()
        assert row
    alarm, version = row
    forms = (
        (f"/alarms/{alarm}/outcome", {"version": version, "outcome": "false_alarm", "reason": "Movement", "note": "why"}),
        (f"/alarms/{alarm}/pause", {"version": version, "minutes": "5", "reason": "Care at the bedside", "note": "why"}),
        (f"/alarms/{alarm}/acknowledge", {"version": version}),
        (f"/alarms/{alarm}/resume", {"version": version}),
        ("/lines/g1/acknowledge", {"alarms": f"{alarm}:0"}),
        (f"/patients/{patient}/limits", {"reason": "New treatment", "note": "why", "heart_rate.high.high": "125"}),
    )
    with sign_in(served.url, "m.testova") as client:
        for path, form in forms:
            for field in form:
                for text in TEXTS:
                    answer = client.post(path, data={**form, field: text})
                    assert answer.status_code < 500, (path, field, text)
                    if "\0" in text and field in {"note", "reason"}:
                        assert answer.status_code == 422
                        assert "cannot be stored: type it again" in answer.text


def test_nothing_that_a_gateway_may_say_is_an_error_of_the_desk(served: Served) -> None:
    with httpx.Client(base_url=served.url) as client:
        for code in ("\\u0000", "", " ", "١٢٣٤٥٦٧٨", "A" * 5000):
            answer = client.post("/gateway/v1/claim", content=f'{{"code": "{code}"}}'.encode())
            assert answer.status_code == 404, code
        for mark, wait in ((b"\xff", "1"), (b'"' * 500, "0"), (b"", "."), (b"0", "1" * 400), (b"-1.", "-1"), (b"0", "nan")):
            of = {"wait": wait}
            answer = client.get(
                "/gateway/v1/config", params=of, headers={b"Authorization": b"Bearer x\xff", b"If-None-Match": mark}
            )
            assert answer.status_code in (400, 401), of

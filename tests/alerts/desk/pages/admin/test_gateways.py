"""The page of gateways: what each finds wrong with itself."""

from __future__ import annotations

import msgspec

from devices.wire.event import Found, Heartbeat, SelfCheck
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in


def test_an_administrator_sees_what_is_wrong_with_a_gateway_and_a_nurse_does_not(served: Served, seeded: Seeded) -> None:
    gateway = seeded.ward.gateways[0]
    event = (
        "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
        " SELECT min(patient), now(), 0, 1, %s, %s, %s, %s::jsonb, now(), 1 FROM enrolment"
        " WHERE gateway = %s AND until IS NULL"
    )
    wrong = SelfCheck(1, (Found("broker", "The MQTT broker <b> does not answer", "start it"),))
    with seeded.tx() as tx:
        tx.execute("DELETE FROM event WHERE device = 0")
        tx.execute("UPDATE gateway SET credential_hash = '\\x01' WHERE gateway = %s", [gateway])
    with sign_in(served.url, "r.root") as client:
        text = client.get("/admin/gateways").text
        assert "Not heard in the last week" in text
        with seeded.tx() as tx:
            for sequence, kind, value in (
                (1, "heartbeat", Heartbeat(1, 17, None, msgspec.UNSET, 83)),
                (2, "self_check", wrong),
            ):
                tx.execute(event, [sequence, gateway, kind, msgspec.json.encode(value).decode(), gateway])
        assert "17 readings wait in it, its storage is 83&nbsp;% full" in client.get(f"/admin/gateways/{gateway}").text
        text = client.get("/admin/gateways").text
        assert "<b>broker</b>: The MQTT broker &lt;b&gt; does not answer. What to do: start it." in text
        with seeded.tx() as tx:
            tx.execute("UPDATE event SET value = '[]' WHERE kind IN ('heartbeat', 'self_check')")
        for path in ("/admin/gateways", f"/admin/gateways/{gateway}"):
            assert client.get(path).status_code == 200  # a damaged row is passed over
    with sign_in(served.url, "m.testova") as client:
        assert client.get("/admin/gateways").status_code == 403

"""Thirty more patients of the ward, all with the same high alarm at once; and what a browser costs a nurse."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.async_api import Page

from alerts.care.admit import admit_patient
from alerts.care.identity import Identity
from alerts.fold.fold import fold_conditions
from devices.vitals import Vital
from devices.wire.control import Facts
from streams.engine.condition import Category, Condition, Priority
from tests.alerts.desk.conftest import MASTER, Seeded, Served
from tests.alerts.desk.hands import sign_in


def admit_many(seeded: Seeded, many: int = 30) -> list[int]:
    """Admit invented patients without devices; return their numbers."""
    with seeded.tx() as tx:
        return [
            admit_patient(
                tx, MASTER, Identity(family=f"Stormson{n:02}", given="Invented", born="1950-01-01", record_number=f"ST-{n}"),
                seeded.ward.team, Facts(), seeded.ward.clinician,
            )
            for n in range(many)
        ]  # fmt: skip


def read_again(served: Served, patient: int) -> None:
    """Have the desk read its patients now: ending a pause, which there is none of, does that."""
    with sign_in(served.url, "m.testova") as client:
        assert client.post("/patients/back", data={"patients": str(patient)}).status_code == 200


def alarms_of(
    seeded: Seeded, patients: list[int], rule: str = "spo2.low", category: Category = "physiological", apart_s: float = 0
) -> None:
    """The same alarm of each of these patients, ``apart_s`` after each other; of a gateway: each has its own."""
    physiological = category == "physiological"
    second = datetime.now(UTC).timestamp() - 60
    with seeded.tx() as tx:
        fold_conditions(tx, [
            Condition(
                patient % 64, int(second + n * apart_s), patient, rule, 0 if physiological else 1000 + n, "onset",
                Priority.HIGH if physiological else Priority.MEDIUM, category,
                vital=int(Vital.SPO2) if physiological else None, value=85.0 if physiological else None,
                limit=92.0 if physiological else None,
            )
            for n, patient in enumerate(patients)
        ])  # fmt: skip


class Cost:
    """Keys pressed and bytes received by a page, from now on."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.bytes = page, 0, 0

    async def begin(self) -> None:
        session = await self.page.context.new_cdp_session(self.page)
        await session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event: self._add(event["encodedDataLength"]))

    def _add(self, some: float) -> None:
        self.bytes += int(some)

    async def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            await self.page.keyboard.press(key)
        self.keys += times

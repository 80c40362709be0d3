"""The desk says of paging what it has a receipt for, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from alerts.care.teams import set_channels
from alerts.database import connect
from alerts.desk.worklist.paging import paging_in_words
from alerts.desk.worklist.snapshot import Paging
from tests.alerts.desk.conftest import Seeded, Served
from tests.alerts.desk.hands import sign_in

NOW = 1_795_271_647_000
BERLIN = ZoneInfo("Europe/Berlin")
BOTH = {1: frozenset({"webhook"}), 2: frozenset[str]()}


@pytest.mark.parametrize(
    ("paging", "works", "expected"),
    [
        (Paging(), False, "the notifier does not run"),
        (Paging(frozenset({"due", "log"}), channels={1: frozenset()}), False, "no channel that reaches people"),
        (Paging(frozenset({"due", "log"}), channels=BOTH), False, "the notifier has no such channel"),
        (Paging(frozenset({"due", "webhook"}), 3, NOW, BOTH), False, "Paging fails: 3 messages wait"),
        (Paging(frozenset({"due", "webhook"}), channels=BOTH), False, "No page was ever delivered"),
        (Paging(frozenset({"due", "webhook"}), 0, NOW, BOTH), True, "the last page was delivered at 15:34"),
    ],
)
def test_paging_in_words(paging: Paging, works: bool, expected: str) -> None:
    found = paging_in_words(paging, [1], BERLIN, NOW)
    assert found[0] is works
    assert expected in found[1]


def test_a_team_without_a_channel_is_not_promised_what_others_have() -> None:
    paging = Paging(frozenset({"due", "webhook"}), 0, NOW, BOTH)
    assert not paging_in_words(paging, [1, 2], BERLIN, NOW)[0]


@contextmanager
def notifier(url: str, *parts: str) -> Iterator[None]:
    """The connections of a running notifier."""
    held: list[psycopg.Connection] = [connect(url, f"notify {part}") for part in parts]
    yield
    for one in held:
        one.close()


def test_no_page_promises_what_no_receipt_proves(served: Served, seeded: Seeded) -> None:
    """The log channel reaches nobody; a receipt of a webhook does, and is named at the row and on the sign-in page."""

    def comes(client: httpx.Client, words: str) -> bool:
        end = time.monotonic() + 15
        while time.monotonic() < end and words not in client.get("/sign-in").text:
            served.app.state.desk.reader._slow_wanted = True  # what rarely changes is read now
            time.sleep(0.2)
        return words in client.get("/sign-in").text

    with sign_in(served.url, "m.testova") as client, notifier(seeded.url, "due", "log", "webhook"):
        assert comes(client, "no channel that reaches people is set")
        assert "paged the team" not in client.get("/").text  # the seed's receipts are of the log
        with seeded.tx() as tx:
            for team in (seeded.ward.team, seeded.ward.elsewhere):
                set_channels(tx, team, ("log", "webhook"))
            tx.execute(
                "INSERT INTO notification (alarm, episode, recipient, channel, step, due, sent, receipt)"
                " SELECT max(alarm), max(episode), 'team:' || %s, 'webhook', 0, now(), now(), 'r-1'"
                " FROM alarm WHERE subject = %s",
                [seeded.ward.team, seeded.ward.patients["TESTWELL"]],
            )
        assert comes(client, "Alarms are paged; the last page was delivered at")
        assert len(re.findall(r"paged the team \d\d:\d\d", client.get("/").text)) == 1
    with httpx.Client(base_url=served.url) as nobody:
        assert comes(nobody, "the notifier does not run")
